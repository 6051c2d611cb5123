import { type AllocationKey, allocationName } from "../../base/ids.ts";
import type { Effect, ReportedState } from "./input.ts";
import { DISK_PATIENCE_MS } from "./lease.ts";
import { remember } from "./memory.ts";
import { type AgentState, type KnownAllocation, knownAllocation, reportOf } from "./state.ts";

/**
 * Ends a running allocation as this node's doing, so that its job is tried again and no retry is counted. That it was the node's doing
 * is on disk first, as with fencing; one that is being stopped already ends by whose word that was.
 */
export function giveUp(state: AgentState, key: AllocationKey, why: string, atMs: number, effects: Effect[]): void {
  const known = knownAllocation(state, key);
  if (known?.state.phase !== "running" || known.stopping || known.givenUp || known.fencedAtMs !== undefined) return;
  known.givenUp = { why, atMs, isTold: false };
  remember(state, { givenUp: { ...state.memory.givenUp, [allocationName(key)]: why } }, effects);
}

/** Stops what is given up, once that is on disk; a disk that does not answer is not waited for. */
export function carryOutGivingUp(state: AgentState, atMs: number, effects: Effect[]): void {
  for (const [name, allocation] of state.allocations) {
    const { givenUp } = allocation;
    if (!givenUp || givenUp.isTold || allocation.state.phase === "ended") continue;
    const isDurable = state.durable.givenUp?.[name] !== undefined;
    if (!isDurable && atMs < givenUp.atMs + DISK_PATIENCE_MS) continue;
    givenUp.isTold = true;
    allocation.stopping = true;
    effects.push({ kind: "stop", key: allocation.key, graceMs: allocation.graceMs, reason: givenUp.why });
    effects.push({ kind: "report", report: reportOf(allocation) });
  }
}

/** What an agent before this one may have stopped for that reason; it is stopped again. */
export function wasGivenUp(state: AgentState, name: string, atMs: number): KnownAllocation["givenUp"] {
  const why = state.memory.givenUp?.[name];
  return why === undefined ? undefined : { why, atMs, isTold: false };
}

/** Its state, with the end that it has by this node's word. One that has ended by itself before it was told to has its own. */
export function withGivenUpEnd({ state, givenUp }: KnownAllocation): ReportedState {
  if (!givenUp || state.phase !== "ended" || state.end.kind !== "exited") return state;
  if (!givenUp.isTold && state.end.exitCode === 0) return state;
  return { ...state, end: { kind: "node", message: givenUp.why } };
}

/** Remembers no longer of the allocations so named that they were given up. */
export function forgetGivenUp(state: AgentState, isOver: (name: string) => boolean, effects: Effect[]): void {
  const { givenUp = {}, ...memory } = state.memory;
  const left = Object.entries(givenUp).filter(([name]) => !isOver(name));
  if (left.length === Object.keys(givenUp).length) return;
  state.memory = memory;
  remember(state, left.length > 0 ? { givenUp: Object.fromEntries(left) } : {}, effects);
}
