import { constants } from "node:os";
import type { AllocationEnd, AllocationState } from "../executor.ts";
import type { ContainerDetails } from "./engine-client.ts";

const MIB = 1024 * 1024;
/** What the engine says of a container that it lost sight of, a reboot of the host included. */
const EXIT_CODE_LOST = 255;
const EXIT_CODE_KILLED = 137;

/** Someone else removed the container. */
export const REMOVED: AllocationEnd = { kind: "node", message: "its container was removed" };

export interface ObservedContainer {
  readonly details: ContainerDetails;
  readonly isStopping: boolean;
  /** The engine told of it, whether or not the container's own record does. */
  readonly sawOutOfMemory: boolean;
  /** It was created before the host was last booted. */
  readonly isFromEarlierBoot: boolean;
}

/** The state of the allocation whose container this is. */
export function stateOf(observed: ObservedContainer, nowMs: number): AllocationState {
  const { State: state } = observed.details;
  const startedAtMs = timeOf(state.StartedAt);
  if (state.Running || state.Paused || state.Restarting) {
    return { phase: "running", startedAtMs: startedAtMs ?? nowMs, stopping: observed.isStopping };
  }
  if (startedAtMs === undefined) return { phase: "starting", message: "starting" };
  // For instant commands the engine's two times may be the wrong way round.
  const endedAtMs = Math.max(startedAtMs, timeOf(state.FinishedAt) ?? nowMs);
  return { phase: "ended", startedAtMs, endedAtMs, end: endOf(observed) };
}

function endOf({ details, sawOutOfMemory, isFromEarlierBoot }: ObservedContainer): AllocationEnd {
  const { ExitCode: exitCode, OOMKilled, FinishedAt, Status } = details.State;
  if (isFromEarlierBoot && (exitCode === EXIT_CODE_LOST || timeOf(FinishedAt) === undefined)) {
    return { kind: "node", message: "the node was rebooted" };
  }
  // A removal by force marks the container before it kills.
  if (Status === "removing" && exitCode === EXIT_CODE_KILLED) return REMOVED;
  // Independent of the exit code: the process that was killed need not be the first one, whose code this is.
  const outOfMemory = OOMKilled || sawOutOfMemory;
  const limitMb = Math.round((details.HostConfig.Memory ?? 0) / MIB);
  const message = outOfMemory ? `out of memory (limit ${limitMb} MB)` : exitMessage(exitCode);
  // Docker gives 128 + n both for a signal and for a command that ended with that code: the signal is not certain.
  return { kind: "exited", exitCode, signal: undefined, outOfMemory, message };
}

/** What there is to say beyond the code itself: `128 + SIGKILL`. Empty for an ordinary code. */
export function exitMessage(exitCode: number): string {
  if (exitCode === EXIT_CODE_LOST) return "Docker says this too when it has lost the true one";
  const signal = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128);
  return signal ? `128 + ${signal[0]}` : "";
}

/** Docker writes the year 1 for what has not happened. */
function timeOf(text: string): number | undefined {
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) || atMs <= 0 ? undefined : atMs;
}
