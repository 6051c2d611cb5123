import type { Effect } from "./input.ts";
import { type AgentState, type KnownAllocation, reportOf } from "./state.ts";

/** By how much the controller's clock may run faster than ours. */
const CLOCK_RATE_MARGIN = 0.1;
/** For the kill after the grace, and for the shell's own ticks. */
const KILL_MARGIN_MS = 5_000;
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
export function acknowledgeHeartbeat(state: AgentState, sequence: number): void {
  const sentAtMs = state.heartbeats.get(sequence);
  if (sentAtMs === undefined) return;
  prolongLease(state, sentAtMs);
  for (const earlier of [...state.heartbeats.keys()]) if (earlier <= sequence) state.heartbeats.delete(earlier);
}

/** A leader has answered what was sent at `sentAtMs`. */
export function prolongLease(state: AgentState, sentAtMs: number): void {
  state.leaseFromMs = Math.max(state.leaseFromMs, sentAtMs);
}

/** When all of an allocation must be gone, undefined without a lease. */
function goneByMs(state: AgentState): number | undefined {
  const { leaseMs } = state.memory;
  if (leaseMs <= 0) return undefined;
  return state.leaseFromMs + leaseMs * (1 - CLOCK_RATE_MARGIN) - KILL_MARGIN_MS;
}

/**
 * When the agent begins to stop an allocation of that grace because its lease runs out; undefined without a lease.
 * Never in the first half of the lease: a grace that does not fit into the second half is cut instead.
 */
export function fenceAtMs(state: AgentState, graceMs: number): number | undefined {
  const goneBy = goneByMs(state);
  if (goneBy === undefined) return undefined;
  return Math.max(goneBy - graceMs, state.leaseFromMs + state.memory.leaseMs / 2);
}

/** Stops what may be started elsewhere soon. What waits for this node instead goes on. */
export function fence(state: AgentState, atMs: number, effects: Effect[]): void {
  for (const allocation of state.allocations.values()) {
    if (mustFence(state, allocation, atMs)) fenceOne(state, allocation, atMs, effects);
  }
}

function mustFence(state: AgentState, allocation: KnownAllocation, atMs: number): boolean {
  if (!allocation.requeueOnNodeLost || allocation.fenced || allocation.state.phase === "ended") return false;
  const fenceAt = fenceAtMs(state, allocation.graceMs);
  return fenceAt !== undefined && atMs >= fenceAt;
}

function fenceOne(state: AgentState, allocation: KnownAllocation, atMs: number, effects: Effect[]): void {
  const silentSeconds = Math.round((atMs - state.leaseFromMs) / 1_000);
  const left = (goneByMs(state) ?? atMs) - atMs;
  allocation.fenced = true;
  allocation.stopping = true;
  effects.push({
    kind: "stop",
    key: allocation.key,
    graceMs: Math.round(Math.max(0, Math.min(allocation.graceMs, left))),
    reason: `no controller has answered this node for ${silentSeconds} s: stopped before the job is started elsewhere`,
  });
  effects.push({ kind: "report", report: reportOf(allocation) });
}
