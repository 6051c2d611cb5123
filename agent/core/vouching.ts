/**
 * How an agent lives beyond its lease: while a majority of its membership, itself included, says that it hears no leader. A leader
 * starts the agent's jobs elsewhere only while a majority of the same membership hears it; docs/reliability.md has the argument.
 */
import { CLOCK_RATE_MARGIN } from "../../base/time.ts";
import type { Effect, Membership } from "./input.ts";
import { remember } from "./memory.ts";
import type { AgentState } from "./state.ts";

/** For the kill after the grace, and for the shell's own ticks. */
const KILL_MARGIN_MS = 5_000;

/** A leader was heard: whatever peers said before is over. */
export function onLeaderHeard(state: AgentState, atMs: number): void {
  state.leaderHeardAtMs = Math.max(state.leaderHeardAtMs, atMs);
  state.vouches.clear();
}

/** How long no leader has been heard, by our clock: what peers are told. */
export function silentMs(state: AgentState, atMs: number): number {
  return atMs - state.leaderHeardAtMs;
}

/** Versions only grow: an older one may come late. */
export function onMembership(state: AgentState, membership: Membership, effects: Effect[]): void {
  if (membership.version > (state.memory.membership?.version ?? 0)) remember(state, { membership }, effects);
}

/** A peer's word counts from the sending of the question, and only if the peer has heard nothing for as long as this agent's membership wants. */
export function onPeerAnswered(
  state: AgentState,
  answer: { readonly peer: string; readonly askedAtMs: number; readonly silentMs: number },
  atMs: number,
  effects: Effect[],
): void {
  const { membership } = state.memory;
  if (!membership?.members.some(({ name }) => name === answer.peer)) return;
  if (!hearsNobody(membership, answer.silentMs)) state.vouches.delete(answer.peer);
  else state.vouches.set(answer.peer, Math.max(answer.askedAtMs, state.vouches.get(answer.peer) ?? answer.askedAtMs));
  liveOn(state, membership, atMs, effects);
}

/** Goes by the newest vouches that make a majority, unless what ran before them ran for too long without. */
function liveOn(state: AgentState, membership: Membership, atMs: number, effects: Effect[]): void {
  const { members, vouchMs } = membership;
  if (!hearsNobody(membership, silentMs(state, atMs))) return;
  const from = members.map(({ name }) => (name === state.nodeName ? atMs : (state.vouches.get(name) ?? Number.NaN)));
  const valid = from.filter((askedAtMs) => askedAtMs + vouchMs > atMs).sort((a, b) => b - a);
  const majority = Math.floor(members.length / 2) + 1;
  const oldest = valid[majority - 1];
  if (oldest === undefined || oldest <= (state.vouchedFromMs ?? Number.NEGATIVE_INFINITY)) return;
  if (atMs >= (goneByMs(state) ?? Number.POSITIVE_INFINITY)) return;
  state.vouchedFromMs = oldest;
  const onDisk = state.memory.leaseFrom?.vouchedFromMs ?? Number.NEGATIVE_INFINITY;
  if (oldest - onDisk >= vouchMs / 2) remember(state, {}, effects);
}

function hearsNobody({ hearingMs }: Membership, silent: number): boolean {
  return silent >= hearingMs * (1 + CLOCK_RATE_MARGIN);
}

/** When everything that may run elsewhere soon must be gone; undefined without a lease. */
export function goneByMs(state: AgentState): number | undefined {
  const byLease = leaseGoneByMs(state);
  return byLease === undefined ? undefined : Math.max(byLease, vouchedGoneByMs(state) ?? byLease);
}

/** The same by the lease alone. */
export function leaseGoneByMs(state: AgentState): number | undefined {
  const { leaseMs } = state.memory;
  if (leaseMs <= 0) return undefined;
  return state.leaseFromMs + leaseMs * (1 - CLOCK_RATE_MARGIN) - KILL_MARGIN_MS;
}

/** Whether something runs by the word of the peers alone: the lease is over for it. */
export function livesByPeers(state: AgentState, atMs: number): boolean {
  const byLease = leaseGoneByMs(state) ?? atMs;
  if (atMs <= byLease || atMs >= (goneByMs(state) ?? byLease)) return false;
  return [...state.allocations.values()].some(({ requeueOnNodeLost, state: { phase }, fencedAtMs }) => {
    return requeueOnNodeLost && phase !== "ended" && fencedAtMs === undefined;
  });
}

function vouchedGoneByMs({ vouchedFromMs, memory: { membership } }: AgentState): number | undefined {
  if (vouchedFromMs === undefined || !membership) return undefined;
  return vouchedFromMs + (membership.vouchMs + membership.stopMs) * (1 - CLOCK_RATE_MARGIN) - KILL_MARGIN_MS;
}

/** When the agent begins to stop by the peers' word: not before that has lost its worth, if that leaves time enough. */
export function vouchedFenceAtMs(state: AgentState, graceMs: number): number | undefined {
  const goneBy = vouchedGoneByMs(state);
  if (goneBy === undefined) return undefined;
  const worthlessAt = (state.vouchedFromMs ?? 0) + (state.memory.membership?.vouchMs ?? 0);
  return Math.max(goneBy - graceMs, Math.min(worthlessAt, goneBy));
}
