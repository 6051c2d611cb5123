import { type AllocationKey, allocationName } from "../../base/ids.ts";
import type { LaunchFault, LaunchSpec } from "../executor/executor.ts";
import type { Command, Effect, Input, ReportedState } from "./input.ts";
import { remember } from "./memory.ts";
import { type AgentState, type KnownAllocation, knownAllocation, reportOf } from "./state.ts";

/** Commands that may wait for their term to reach the disk. */
const MAX_WAITING = 10_000;
/** A device in thousandths. */
const WHOLE_DEVICE = 1_000;
const UNKNOWN: LaunchFault = { kind: "node", message: "this node does not know it" };

/**
 * Refuses a command of a term that has been superseded. One of a new term is obeyed once that term is on disk, so that
 * no restart can make this agent obey the leader before.
 */
export function onCommand(state: AgentState, input: Extract<Input, { kind: "command" }>, effects: Effect[]): void {
  const { term, command } = input;
  const refuse = (why: string): void => void effects.push({ kind: "refuse-command", term, command, why });
  const { highestTerm } = state.memory;
  if (term < highestTerm) return refuse(`its term ${term} is over: ${highestTerm} has been seen`);
  if (term > highestTerm) {
    remember(state, { highestTerm: term }, effects);
  }
  if (term <= state.durable.highestTerm) return obey(state, command, refuse, effects);
  if (state.waiting.length >= MAX_WAITING) return refuse(`${MAX_WAITING} commands wait for the term to be on disk`);
  state.waiting.push({ term, command });
}

/** Obeys what waited for the term that is on disk now. */
export function onPersisted(state: AgentState, input: Extract<Input, { kind: "persisted" }>, effects: Effect[]): void {
  state.durable = input.memory;
  const waiting = state.waiting;
  state.waiting = [];
  for (const { term, command } of waiting)
    onCommand(state, { kind: "command", atMs: input.atMs, term, command }, effects);
}

function obey(state: AgentState, command: Command, refuse: (why: string) => void, effects: Effect[]): void {
  switch (command.kind) {
    case "launch":
      return launch(state, command.spec, refuse, effects);
    case "stop":
      return stop(state, command, effects);
    case "release":
      return release(state, command.key, refuse, effects);
  }
}

function launch(state: AgentState, spec: LaunchSpec, refuse: (why: string) => void, effects: Effect[]): void {
  const known = knownAllocation(state, spec.key);
  if (known) return void effects.push({ kind: "report", report: reportOf(known) });
  const newer = [...state.allocations.values()].find(
    ({ key }) => key.jobId === spec.key.jobId && key.attempt > spec.key.attempt,
  );
  if (newer) return refuse(`attempt ${newer.key.attempt} of the job is known here: attempts are never used again`);
  const end = spec.fault ?? heldDevice(state, spec);
  const allocation: KnownAllocation = {
    key: spec.key,
    deviceIds: spec.deviceIds,
    gpuMilli: spec.gpuMilli,
    graceMs: spec.graceMs,
    requeueOnNodeLost: spec.requeueOnNodeLost,
    state: end === undefined ? { phase: "starting", message: "starting" } : neverStarted(end),
    stopping: false,
    fencedAtMs: undefined,
    fenceIsTold: false,
    release: undefined,
  };
  state.allocations.set(allocationName(spec.key), allocation);
  effects.push({ kind: "report", report: reportOf(allocation) });
  if (end === undefined) effects.push({ kind: "launch", spec });
}

/** Why the devices cannot be given: the last line of defence against two jobs on one device, or on more than all of one. */
function heldDevice(state: AgentState, spec: LaunchSpec): LaunchFault | undefined {
  const left = new Map(spec.deviceIds.map((id) => [id as string, WHOLE_DEVICE - milliOf(spec)]));
  for (const allocation of state.allocations.values()) {
    if (allocation.state.phase === "ended") continue;
    const { key } = allocation;
    for (const id of allocation.deviceIds) {
      const free = left.get(id);
      if (free === undefined) continue;
      if (free < milliOf(allocation)) {
        return { kind: "node", message: `device ${id} is still held by attempt ${key.attempt} of ${key.jobId}` };
      }
      left.set(id, free - milliOf(allocation));
    }
  }
  return undefined;
}

function milliOf({ gpuMilli = WHOLE_DEVICE }: { readonly gpuMilli?: number | undefined }): number {
  return gpuMilli;
}

function neverStarted(end: LaunchFault): ReportedState {
  return { phase: "ended", startedAtMs: undefined, endedAtMs: undefined, end };
}

/** An allocation that is not known is reported as ended, so that no controller waits for it for ever. */
function stop(state: AgentState, command: Extract<Command, { kind: "stop" }>, effects: Effect[]): void {
  const { key, graceMs, reason } = command;
  const known = knownAllocation(state, key);
  if (!known) {
    const report = { key, deviceIds: [], state: neverStarted(UNKNOWN), stopping: false };
    return void effects.push({ kind: "report", report });
  }
  if (known.state.phase !== "ended") {
    known.stopping = true;
    effects.push({ kind: "stop", key, graceMs, reason });
  }
  effects.push({ kind: "report", report: reportOf(known) });
}

/** The container of an allocation that has not ended is never removed, whoever asks. */
function release(state: AgentState, key: AllocationKey, refuse: (why: string) => void, effects: Effect[]): void {
  const known = knownAllocation(state, key);
  if (known && known.state.phase !== "ended") {
    refuse("it has not ended: stop it first");
    return void effects.push({ kind: "report", report: reportOf(known) });
  }
  if (known) {
    if (known.release && known.release.retryAtMs === undefined) return;
    known.release = { retryAtMs: undefined };
  }
  effects.push({ kind: "release", key });
}
