import type { AllocationKey } from "../../../base/ids.ts";
import type { Occupant, ProcessId } from "../../executor/executor.ts";

/** A process that has a device, as the driver names it. */
export interface DriverProcess {
  /** In the host's namespace; 0, or nobody's, where the agent is in another one. */
  readonly pid: number;
  /** Of a slice that of the slice, or of its GPU where the driver does not tell. */
  readonly deviceId: string;
  readonly memoryMb: number | undefined;
  readonly kind: "compute" | "graphics";
}

/** What the kernel tells of a process that lives. */
export interface HostProcess extends ProcessId {
  /** The name of its program, without arguments: those may be secret. */
  readonly command: string;
  readonly user: string;
  readonly session: number;
  /** When the leader of its session started; undefined when that is gone. */
  readonly leaderStartTicks: number | undefined;
  /** The ids of containers in the names of its control groups, the outermost first. */
  readonly containerIds: readonly string[];
}

/** An allocation that the agent's core knows. */
export interface SeenAllocation {
  readonly key: AllocationKey;
  readonly deviceIds: readonly string[];
  readonly phase: "starting" | "running" | "ended";
  /** On the wall clock. */
  readonly startedAtMs: number | undefined;
  /** It was asked to stop. */
  readonly stopping: boolean;
}

/** A device, as far as it matters what is on it. */
export interface SeenDevice {
  readonly id: string;
  /** Of a slice, its GPU. */
  readonly parentId: string | undefined;
  /** The driver names the processes that have it: none is not the same as untold. */
  readonly namesProcesses: boolean;
  /** By the driver's reading; undefined where it does not tell. */
  readonly memoryUsedMb: number | undefined;
}

/**
 * What one look finds, read in the order of its fields: whatever began between two of them is in the later one, so that no
 * process of a job is seen before its container and its allocation are.
 */
export interface Sighting {
  readonly devices: readonly SeenDevice[];
  /** Undefined when the driver did not answer. */
  readonly processes: readonly DriverProcess[] | undefined;
  /** By pid; those of the processes that live. */
  readonly hostProcesses: ReadonlyMap<number, HostProcess>;
  /** Undefined when the executor did not answer. */
  readonly occupants: readonly Occupant[] | undefined;
  readonly allocations: readonly SeenAllocation[];
  /** On a clock that never goes back, when the look ended. */
  readonly atMs: number;
  readonly wallMs: number;
}

/** Tells a process apart from a later one with its pid. */
export function identityOf({ pid, startTicks }: ProcessId): string {
  return `${pid}:${startTicks}`;
}
