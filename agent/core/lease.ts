import type { AllocationState } from "../executor/executor.ts";
import type { Effect } from "./input.ts";
import { remember } from "./memory.ts";
import { goneByMs, leaseGoneByMs, vouchedFenceAtMs } from "./vouching.ts";
import { type AgentState, type KnownAllocation, reportOf } from "./state.ts";

/** How long a stop waits for the disk to remember that it is a fence. */
export const DISK_PATIENCE_MS = 2_000;
/** The disk learns of the lease's beginning when it is behind by this part of the lease. */
const LEASE_STEP = 1 / 8;
/** So long after its start an agent waits for a leader's answer before it begins to stop anything, if there is time for that. */
const START_PATIENCE_MS = 10_000;
/** Of SIGKILL and SIGTERM. */
const STOPPED_CODES: readonly number[] = [137, 143];
/** Heartbeats that may wait for an acknowledgement; older ones no longer prolong the lease. */
const MAX_UNACKNOWLEDGED = 64;

/** Remembers when a heartbeat was sent: should it be acknowledged, the lease counts from there. */
export function noteHeartbeat(state: AgentState, sequence: number, atMs: number): void {
  state.heartbeats.set(sequence, atMs);
  for (const oldest of state.heartbeats.keys()) {
    if (state.heartbeats.size <= MAX_UNACKNOWLEDGED) break;
    state.heartbeats.delete(oldest);
  }
}

/** Prolongs the lease from the sending of the acknowledged heartbeat. */
export function acknowledgeHeartbeat(state: AgentState, sequence: number, effects: Effect[]): void {
  const sentAtMs = state.heartbeats.get(sequence);
  if (sentAtMs === undefined) return;
  prolongLease(state, sentAtMs, effects);
  for (const earlier of [...state.heartbeats.keys()]) if (earlier <= sequence) state.heartbeats.delete(earlier);
}

/**
 * A leader has answered what was sent at `sentAtMs`. The disk is told in steps: what is older there only has a restarted agent
 * stop jobs earlier.
 */
export function prolongLease(state: AgentState, sentAtMs: number, effects: Effect[]): void {
  if (sentAtMs <= state.leaseFromMs) return;
  state.leaseFromMs = sentAtMs;
  const { leaseFrom, leaseMs } = state.memory;
  const isFar = leaseFrom?.bootId !== state.bootId || sentAtMs - leaseFrom.atMs >= leaseMs * LEASE_STEP;
  if (leaseMs > 0 && isFar) remember(state, {}, effects);
}

/**
 * When the agent begins to stop an allocation of that grace because neither a leader nor enough of its peers have answered for too
 * long; undefined without a lease. Never in the first half of the lease: a grace that does not fit into the second half is cut instead.
 */
export function fenceAtMs(state: AgentState, graceMs: number): number | undefined {
  const goneBy = goneByMs(state);
  const dueAt = fenceDueAtMs(state, graceMs);
  if (goneBy === undefined || dueAt === undefined) return undefined;
  return Math.max(dueAt, Math.min(state.startedAtMs + START_PATIENCE_MS, goneBy));
}

/** The same for an agent that did not just start. */
function fenceDueAtMs(state: AgentState, graceMs: number): number | undefined {
  const leaseGoneBy = leaseGoneByMs(state);
  if (leaseGoneBy === undefined) return undefined;
  const byLease = Math.max(leaseGoneBy - graceMs, state.leaseFromMs + state.memory.leaseMs / 2);
  return Math.max(byLease, vouchedFenceAtMs(state, graceMs) ?? byLease);
}

/**
 * Whether an end of which nothing was remembered came of fencing: killed, when it was to be stopped by then. That may have been
 * an agent before this one whose disk did not answer, or the guard while this one stood still. What was killed before the host
 * was booted tells nothing of the job either: until when it was to run is not known any more, and the host has gone down.
 */
export function wasFenced(
  state: AgentState,
  allocation: Pick<KnownAllocation, "graceMs" | "requeueOnNodeLost">,
  next: AllocationState,
  endedAtMs: number,
): boolean {
  if (!allocation.requeueOnNodeLost || next.phase !== "ended") return false;
  const { end } = next;
  if (end.kind !== "exited" || end.outOfMemory || !STOPPED_CODES.includes(end.exitCode ?? 0)) return false;
  const isFromEarlierBoot = endedAtMs < 0;
  return isFromEarlierBoot || endedAtMs >= (fenceDueAtMs(state, allocation.graceMs) ?? Number.POSITIVE_INFINITY);
}

/**
 * Stops what may be started elsewhere soon; what waits for this node instead goes on. That it was the agent's doing is on
 * disk first: one that is restarted would else report the end as the job's own. A disk that does not answer is not waited for.
 */
export function fence(state: AgentState, atMs: number, effects: Effect[]): void {
  const due = [...state.allocations].filter(([, allocation]) => mustFence(state, allocation, atMs));
  if (due.length > 0) {
    for (const [, allocation] of due) allocation.fencedAtMs = atMs;
    remember(state, { fenced: [...(state.memory.fenced ?? []), ...due.map(([name]) => name)] }, effects);
  }
  for (const [name, allocation] of state.allocations) {
    const { fencedAtMs, fenceIsTold } = allocation;
    if (fencedAtMs === undefined || fenceIsTold || allocation.state.phase === "ended") continue;
    if (atMs < (fenceAtMs(state, allocation.graceMs) ?? Number.POSITIVE_INFINITY)) {
      // A leader has answered meanwhile.
      allocation.fencedAtMs = undefined;
      forgetFenced(state, (other) => other === name, effects);
      continue;
    }
    const isDurable = state.durable.fenced?.includes(name) ?? false;
    if (isDurable || atMs >= fencedAtMs + DISK_PATIENCE_MS) fenceOne(state, allocation, atMs, effects);
  }
}

/** Remembers no longer of the allocations so named that they were fenced. */
export function forgetFenced(state: AgentState, isOver: (name: string) => boolean, effects: Effect[]): void {
  const { fenced = [], ...memory } = state.memory;
  const left = fenced.filter((name) => !isOver(name));
  if (left.length === fenced.length) return;
  state.memory = memory;
  remember(state, left.length > 0 ? { fenced: left } : {}, effects);
}

function mustFence(state: AgentState, allocation: KnownAllocation, atMs: number): boolean {
  if (!allocation.requeueOnNodeLost || allocation.fencedAtMs !== undefined) return false;
  if (allocation.state.phase === "ended") return false;
  const fenceAt = fenceAtMs(state, allocation.graceMs);
  return fenceAt !== undefined && atMs >= fenceAt;
}

/** Stops it now. */
export function fenceOne(state: AgentState, allocation: KnownAllocation, atMs: number, effects: Effect[]): void {
  const silentSeconds = Math.round((atMs - state.leaseFromMs) / 1_000);
  const left = (goneByMs(state) ?? atMs) - atMs;
  allocation.fenceIsTold = true;
  allocation.stopping = true;
  effects.push({
    kind: "stop",
    key: allocation.key,
    graceMs: Math.round(Math.max(0, Math.min(allocation.graceMs, left))),
    reason: `no controller has answered this node for ${silentSeconds} s: stopped before the job is started elsewhere`,
  });
  effects.push({ kind: "report", report: reportOf(allocation) });
}
