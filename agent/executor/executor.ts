import type { AllocationKey, DeviceId } from "../../base/ids.ts";
import type { Service } from "../../base/service.ts";
import type { Controller } from "./process/cgroup/cgroup-tree.ts";
import type { ProcessId } from "./process/proc-fs.ts";

export type { ProcessId };

/** A directory or file of the host that a job is to see. */
export interface Volume {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** One rank of a job as an executor must start it. Everything a container needs, nothing about scheduling. */
export interface LaunchSpec {
  readonly key: AllocationKey;
  readonly tenantId: string;
  readonly jobName: string;
  readonly deviceIds: readonly DeviceId[];
  /** The share of the one device, in thousandths; absent is all of each. */
  readonly gpuMilli?: number | undefined;
  /** Where the daemon answers that holds the job to its share; absent when nothing does. */
  readonly mpsDirectory?: string | undefined;
  readonly cpuCores: number;
  readonly memoryMb: number;
  /** Of /dev/shm in a container; absent is half of its memory. */
  readonly shmSizeMb?: number | undefined;
  readonly image: string | undefined;
  /** The argv by the documented rule; empty means the image's own entry point with `args`. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly script: string | undefined;
  /** Complete: the user's, the job's, the gang's and the devices' variables. */
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly volumes?: readonly Volume[];
  /** Why this node gives nobody what is asked here: then no executor is asked. */
  readonly fault?: LaunchFault | undefined;
  /** SIGTERM to SIGKILL when the agent itself has to stop it. */
  readonly graceMs: number;
  /** Will be started elsewhere when this node is given up: the agent must stop it before its lease ends. */
  readonly requeueOnNodeLost: boolean;
}

/** The end of a launch that asks for what it is not given. */
export type LaunchFault = Extract<AllocationEnd, { kind: "bad-request" | "node" }>;

/** How an allocation ended. */
export type AllocationEnd =
  /** Its process ended. A signal is given as `signal` with `exitCode` 128 + n; undefined where it cannot be known. */
  | {
      readonly kind: "exited";
      readonly exitCode: number | undefined;
      readonly signal: number | undefined;
      readonly outOfMemory: boolean;
      readonly message: string;
    }
  /** It cannot start as asked, here or elsewhere: the user has to act. */
  | { readonly kind: "bad-request"; readonly message: string }
  /** The node could not start it, or lost it; `failedDeviceIds` broke while it ran on them. */
  | { readonly kind: "node"; readonly message: string; readonly failedDeviceIds?: readonly DeviceId[] }
  /** The agent ended it because its lease ran out. */
  | { readonly kind: "fenced"; readonly message: string };

/**
 * What an executor knows of an allocation.
 *
 * ```text
 * starting ──► running ──► ended
 *     └──────────────────────▲
 * ```
 */
export type AllocationState =
  | { readonly phase: "starting"; readonly message: string }
  | { readonly phase: "running"; readonly startedAtMs: number; readonly stopping: boolean }
  | {
      readonly phase: "ended";
      readonly startedAtMs: number | undefined;
      readonly endedAtMs: number;
      readonly end: AllocationEnd;
    };

/** What is found of an allocation that an earlier agent on this host started. */
export interface FoundAllocation {
  readonly key: AllocationKey;
  readonly deviceIds: readonly DeviceId[];
  readonly gpuMilli?: number | undefined;
  readonly graceMs: number;
  readonly requeueOnNodeLost: boolean;
  readonly state: AllocationState;
}

/** Called for every change of any allocation, in order for each. Must not throw. */
export type AllocationListener = (key: AllocationKey, state: AllocationState) => void;

/** Where a program wrote a piece of its output. */
export type LogStreamName = "stdout" | "stderr";

/** Which part of an allocation's output is wanted, and until when. */
export interface ReadLogOptions {
  readonly follow: boolean;
  /** The last so many lines of what is there; undefined is all. */
  readonly tailLines: number | undefined;
  /** undefined is both. */
  readonly stream: LogStreamName | undefined;
  readonly signal: AbortSignal;
}

/** A piece of what an allocation wrote. */
export interface OutputPiece {
  readonly stream: LogStreamName;
  readonly data: Uint8Array;
  /** When it was written, in milliseconds since the epoch; undefined where that is not known. */
  readonly atMs: number | undefined;
  /** From where to go on after it: for {@link Executor.watchOutput} alone. */
  readonly position: string;
}

/** Whether allocations can be started now. */
export interface ExecutorHealth {
  readonly ready: boolean;
  /** Why it is not ready: a sentence. */
  readonly message: string;
}

/** Something that an agent has on this host for an allocation: a container, or the session of a plain process. */
export interface Occupant {
  /** Of a container that of the engine; of a session `pid:start` of its leader. Never used again. */
  readonly id: string;
  readonly kind: "container" | "session";
  /** Whose it is: an engine may have the containers of several agents. */
  readonly agentId: string;
  readonly key: AllocationKey;
  /** What it was started with. */
  readonly deviceIds: readonly DeviceId[];
  /** False for one that has ended; processes of it may be left all the same. */
  readonly isRunning: boolean;
}

/** How devices reach a job on this host, and why that way was chosen. */
export interface GpuGrant {
  readonly kind: "cdi" | "runtime" | "device-requests" | "devices" | "environment" | "none";
  readonly reason: string;
}

/** What jobs are held to on this host. */
export interface JobLimitation {
  /** What they are held to of what they asked for, and why not to more: a sentence. */
  readonly reason: string;
  /** What they may use as much of as they like. */
  readonly missing: readonly Controller[];
}

/**
 * Starts, watches and stops allocations on this host. What it started survives the agent: a new executor on the same
 * data directory (or the same Docker Engine) adopts it. Every call ends within its own deadline.
 */
export interface Executor extends Service {
  readonly name: "docker" | "process";
  readonly gpuGrant: GpuGrant;
  readonly limits: JobLimitation;

  /** Everything of this agent that exists on the host, ended allocations included until they are released. */
  recover(): Promise<readonly FoundAllocation[]>;

  /**
   * Begins to start the allocation and returns; progress, the start and failures come through the listener.
   * An allocation of that key which exists already is left as it is.
   */
  launch(spec: LaunchSpec): void;

  /** SIGTERM now, SIGKILL after the grace. Repeating it may only shorten the grace. The end comes through the listener. */
  stop(key: AllocationKey, graceMs: number, reason: string): void;

  /** Forgets an ended allocation: its container is removed, its output is kept until it is collected. Idempotent. */
  release(key: AllocationKey): Promise<void>;

  /** The output so far, and with `follow` what comes until the end. Works for released allocations while their output is kept. */
  readLog(key: AllocationKey, options: ReadLogOptions): AsyncIterable<Uint8Array>;

  /**
   * What a running allocation writes after the position, or from its beginning: soon after it is written, at little cost,
   * and not all of it where there is very much. Ends when the signal aborts; may end or fail before.
   */
  watchOutput(key: AllocationKey, from: string | undefined, signal: AbortSignal): AsyncIterable<OutputPiece>;

  health(): Promise<ExecutorHealth>;

  /** All that agents have on this host and that may run, whoever's it is. Rejects when that cannot be told. */
  occupants(): Promise<readonly Occupant[]>;

  /**
   * Kills what is left of an attempt that is over: the container or session, and of the processes those that still are in it.
   * False if nothing was done, because it is another agent's, or belongs to an allocation that has not ended as far as this
   * executor knows. Nothing else is ever killed.
   */
  reap(occupant: Occupant, processes: readonly ProcessId[]): Promise<boolean>;

  /**
   * Whether a running allocation still sees its devices; undefined where that cannot be told.
   *
   * @param mayRun a program may be run inside for it
   */
  seesDevices(key: AllocationKey, mayRun: boolean): Promise<boolean | undefined>;
}
