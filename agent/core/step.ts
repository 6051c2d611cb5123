import { unreachable } from "../../base/assert.ts";
import { allocationName } from "../../base/ids.ts";
import type { AllocationEnd, AllocationState, FoundAllocation } from "../executor/executor.ts";
import { onCommand, onPersisted } from "./commands.ts";
import type { Effect, Input } from "./input.ts";
import {
  acknowledgeHeartbeat,
  fence,
  fenceOne,
  forgetFenced,
  noteHeartbeat,
  prolongLease,
  wasFenced,
} from "./lease.ts";
import { carryOutGivingUp, forgetGivenUp, giveUp, wasGivenUp, withGivenUpEnd } from "./give-up.ts";
import { onHelloRefused, remember } from "./memory.ts";
import { type AgentState, type KnownAllocation, knownAllocation, reportOf } from "./state.ts";
import { onLeaderHeard, onMembership, onPeerAnswered } from "./vouching.ts";

/** How long after a failed release it is tried again. */
const RELEASE_RETRY_MS = 30_000;

/**
 * Takes one input into the state and says what must be done about it, in order. Pure but for the state that it owns: no
 * I/O, no clock, no log. The agent ends an allocation by itself only when its lease runs out.
 */
export function step(state: AgentState, input: Input): readonly Effect[] {
  const effects: Effect[] = [];
  switch (input.kind) {
    case "begun":
      remember(state, { life: (state.memory.life ?? 0) + 1 }, effects);
      break;
    case "recovered":
      for (const found of input.found) adopt(state, found, input, effects);
      forgetFenced(state, (name) => !state.allocations.has(name), effects);
      forgetGivenUp(state, (name) => !state.allocations.has(name), effects);
      break;
    case "connected":
      onWelcome(state, input, effects);
      break;
    case "disconnected":
      state.heartbeats.clear();
      // The next Hello does not tell of them: its leader may give them up, or tells them again.
      state.waiting = [];
      break;
    case "command":
      if (input.term >= state.memory.highestTerm) onLeaderHeard(state, input.atMs);
      onCommand(state, input, effects);
      break;
    case "allocation-changed":
      onAllocationChanged(state, input, effects);
      break;
    case "discovered":
      for (const found of input.found) discover(state, found, input, effects);
      break;
    case "give-up":
      giveUp(state, input.key, input.why, input.atMs, effects);
      break;
    case "released":
      onReleased(state, input, effects);
      break;
    case "heartbeat-sent":
      noteHeartbeat(state, input.sequence, input.atMs);
      break;
    case "heartbeat-acked":
      onLeaderHeard(state, input.atMs);
      acknowledgeHeartbeat(state, input.sequence, effects);
      noteRevision(state, input.revision, effects);
      break;
    case "membership":
      onMembership(state, input.membership, effects);
      break;
    case "peer-answered":
      onPeerAnswered(state, input, input.atMs, effects);
      break;
    case "hello-refused":
      onHelloRefused(state, input.highestHello, effects);
      break;
    case "persisted":
      onPersisted(state, input, effects);
      fence(state, input.atMs, effects);
      carryOutGivingUp(state, input.atMs, effects);
      break;
    case "tick":
      fence(state, input.atMs, effects);
      carryOutGivingUp(state, input.atMs, effects);
      retryReleases(state, input.atMs, effects);
      break;
    default:
      unreachable(input);
  }
  return effects;
}

/** What was found on the host is taken over as it is; the next Hello tells of it. */
function adopt(
  state: AgentState,
  found: FoundAllocation,
  { atMs, wallMs }: { readonly atMs: number; readonly wallMs: number },
  effects: Effect[],
): void {
  const name = allocationName(found.key);
  const agoMs = found.state.phase === "ended" ? wallMs - found.state.endedAtMs : 0;
  const isFenced = state.memory.fenced?.includes(name) || wasFenced(state, found, found.state, atMs - agoMs);
  const allocation: KnownAllocation = {
    ...found,
    state: isFenced ? withFencedEnd(found.state) : found.state,
    stopping: isFenced || (found.state.phase === "running" && found.state.stopping),
    fencedAtMs: isFenced ? atMs : undefined,
    fenceIsTold: false,
    givenUp: wasGivenUp(state, name, atMs),
    release: undefined,
  };
  if (allocation.givenUp && !isFenced) allocation.state = withGivenUpEnd(allocation);
  state.allocations.set(name, allocation);
  // Its stop may never have been asked for.
  if (isFenced && found.state.phase !== "ended") fenceOne(state, allocation, atMs, effects);
}

/**
 * Something of ours that came up after the agent had looked what there is, as a start may that an engine was late with. Whether it is
 * wanted only the leader knows: it is told as if it had been found at the start.
 */
function discover(
  state: AgentState,
  found: FoundAllocation,
  at: { readonly atMs: number; readonly wallMs: number },
  effects: Effect[],
): void {
  if (knownAllocation(state, found.key)) return;
  adopt(state, found, at, effects);
  const known = knownAllocation(state, found.key);
  if (known) effects.push({ kind: "report", report: reportOf(known) });
}

function onWelcome(state: AgentState, input: Extract<Input, { kind: "connected" }>, effects: Effect[]): void {
  const { welcome, helloSentAtMs, atMs } = input;
  const { clusterId, highestTerm } = state.memory;
  const refuse = (why: string): void => void effects.push({ kind: "refuse-leader", why });
  if (clusterId !== "" && welcome.clusterId !== clusterId) {
    return refuse(`it leads cluster ${welcome.clusterId}, and this node works for cluster ${clusterId}`);
  }
  if (welcome.term < highestTerm) return refuse(`its term ${welcome.term} is over: ${highestTerm} has been seen`);
  const { revision = 0 } = state.memory;
  if ((welcome.revision ?? revision) < revision) {
    return refuse(`its state is older than what this node was told of: revision ${welcome.revision}, not ${revision}`);
  }
  state.heartbeats.clear();
  onLeaderHeard(state, atMs);
  const granted = {
    clusterId: welcome.clusterId,
    highestTerm: welcome.term,
    leaseMs: welcome.leaseMs,
    ...(welcome.revision === undefined && revision === 0 ? {} : { revision: welcome.revision ?? revision }),
  };
  const isNews = Object.entries(granted).some(([name, value]) => state.memory[name as keyof typeof granted] !== value);
  state.memory = { ...state.memory, ...granted };
  prolongLease(state, helloSentAtMs, effects);
  if (isNews && effects.length === 0) remember(state, granted, effects);
}

/** Remembered, so that a store that went back is noticed, also after a restart of this agent. */
function noteRevision(state: AgentState, revision = 0, effects: Effect[]): void {
  if (revision <= (state.memory.revision ?? 0)) return;
  remember(state, { revision }, effects);
}

/** An end is final: what the executor says of it later is not news. */
function onAllocationChanged(
  state: AgentState,
  { key, state: next, atMs }: Extract<Input, { kind: "allocation-changed" }>,
  effects: Effect[],
): void {
  const known = knownAllocation(state, key);
  if (!known || known.state.phase === "ended") return;
  if (known.state.phase === "running" && next.phase === "starting") return;
  const isFenced = known.fencedAtMs !== undefined || wasFenced(state, known, next, atMs);
  known.state = isFenced ? withFencedEnd(next) : next;
  if (!isFenced) known.state = withGivenUpEnd(known);
  if (next.phase === "running" && next.stopping) known.stopping = true;
  effects.push({ kind: "report", report: reportOf(known) });
}

function withFencedEnd(state: AllocationState): AllocationState {
  return state.phase === "ended" ? { ...state, end: fencedEnd(state.end) } : state;
}

function fencedEnd(end: AllocationEnd): AllocationEnd {
  const message = "stopped by its node: no controller answered before the lease ran out";
  return { kind: "fenced", message: end.message === "" ? message : `${message} (${end.message})` };
}

function onReleased(state: AgentState, input: Extract<Input, { kind: "released" }>, effects: Effect[]): void {
  const known = knownAllocation(state, input.key);
  if (!known?.release) return;
  if (!input.done) {
    known.release.retryAtMs = input.atMs + RELEASE_RETRY_MS;
    return;
  }
  const released = allocationName(input.key);
  state.allocations.delete(released);
  forgetFenced(state, (name) => name === released, effects);
  forgetGivenUp(state, (name) => name === released, effects);
}

function retryReleases(state: AgentState, atMs: number, effects: Effect[]): void {
  for (const { key, release } of state.allocations.values()) {
    if (release?.retryAtMs === undefined || release.retryAtMs > atMs) continue;
    release.retryAtMs = undefined;
    effects.push({ kind: "release", key });
  }
}
