import type { DeviceId, JobId, NodeName, TenantId } from "../../../base/ids.ts";

/** What a user asked for, checked and never changed. Fields left out are absent; {@link demandOf} has the defaults. */
export interface JobSpec {
  readonly tenantId: TenantId;
  readonly name: string;
  readonly priority?: number;
  readonly gpuCount: number;
  /** The least memory that each GPU must have. */
  readonly gpuMemoryMb?: number;
  /** A case-insensitive part of the model's name; `|` separates alternatives. */
  readonly gpuModel?: string;
  readonly cpuCores?: number;
  readonly memoryMb?: number;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly script?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly gang?: boolean;
  readonly gpusPerNode?: number;
  readonly maxRuntimeMinutes?: number;
  readonly maxRetries?: number;
  readonly graceSeconds?: number;
  readonly onNodeLost?: "requeue" | "wait";
  readonly onPreempt?: "requeue" | "cancel";
  readonly labels?: Readonly<Record<string, string>>;
  readonly nodeSelector?: Readonly<Record<string, string>>;
}

/** How one rank of an attempt ended. */
export type AllocationEnd =
  /** Its process ended. `exitCode` is undefined where it could not be learnt. */
  | {
      readonly kind: "exited";
      readonly exitCode?: number;
      readonly signal?: number;
      readonly outOfMemory: boolean;
      readonly message: string;
    }
  /** It can never start as asked. */
  | { readonly kind: "bad-request"; readonly message: string }
  /** The node could not start it, or lost it. */
  | { readonly kind: "node"; readonly message: string }
  /** The node is given up, or gave it up: it will run elsewhere. */
  | { readonly kind: "fenced"; readonly message: string };

/**
 * What the controller knows of one rank.
 *
 * ```text
 * assigned ──► running ──► ended
 *     └──────────────────────▲
 * ```
 */
export type RankState =
  | { readonly phase: "assigned" }
  | { readonly phase: "running"; readonly startedAt: number }
  | { readonly phase: "ended"; readonly startedAt?: number; readonly endedAt: number; readonly end: AllocationEnd };

/** An attempt's share on one node. Its devices are held until the rank has ended. */
export interface Allocation {
  readonly rank: number;
  readonly node: NodeName;
  readonly devices: readonly DeviceId[];
  readonly cpuCores: number;
  readonly memoryMb: number;
  /** What counts against the tenant's GPU memory: as asked, else all of the devices' memory. */
  readonly gpuMemoryMb: number;
  /**
   * Whether the attempt moves elsewhere when its node is lost. Decided once, at placement: the agent fences itself by the
   * same word.
   */
  readonly movesWhenLost: boolean;
  readonly state: RankState;
}

/** One line of a job's story. */
export interface JobEvent {
  readonly at: number;
  readonly kind: JobEventKind;
  readonly message: string;
}

/** What can happen to a job, as its history tells it. */
export type JobEventKind =
  | "submitted"
  | "placed"
  | "started"
  | "stopping"
  | "requeued"
  | "node-unreachable"
  | "node-returned"
  | "completed"
  | "failed"
  | "cancelled";

/** What becomes of a job once its ranks are gone. */
export type Verdict =
  | { readonly kind: "completed"; readonly exitCode: number; readonly message: string }
  | { readonly kind: "failed"; readonly exitCode?: number; readonly signal?: number; readonly message: string }
  | { readonly kind: "cancelled"; readonly message: string }
  /** Again: after a failure of the user's (`retry`, counted) or of the machine's (`requeue`, not counted). */
  | { readonly kind: "retry" | "requeue"; readonly message: string; readonly delayMs: number };

/** How a job ended. */
export type Outcome = Exclude<Verdict, { kind: "retry" | "requeue" }>;

interface JobBase {
  readonly id: JobId;
  readonly tenantId: TenantId;
  readonly name: string;
  /** As asked, else the tier's value at submission. */
  readonly priority: number;
  /** The asked priority, capped by the tenant's tier. */
  readonly effectivePriority: number;
  readonly gpuCount: number;
  readonly submittedAt: number;
  /** Tries so far: 0 before the first. Never reused; the fencing token of the job. */
  readonly attempt: number;
  /** Attempts that failed by the user's doing. */
  readonly retries: number;
  /** Attempts in a row that a machine could not start. */
  readonly startFailures: number;
  /** When the newest attempt that ran began to run. */
  readonly startedAt?: number;
  /** Where the ranks of the newest attempt were, once it is over and another is to come: their output is there. */
  readonly lastNodes?: readonly NodeName[];
  /** The newest {@link MAX_HISTORY}, oldest first. */
  readonly history: readonly JobEvent[];
}

/**
 * A job on its way.
 *
 * ```text
 *   submit ──► queued ──► starting ──► running ──► finished
 *               ▲  │          │           │           ▲
 *         held ─┘  │          └────► stopping ────────┤
 *          ▲       └──(cancel)───────┼────────────────┘
 *          └────────(again)──────────┘
 * ```
 */
export type Job =
  | (JobBase & { readonly phase: "queued"; readonly allocations: readonly [] })
  /** Waits for a time before it may queue: a retry's backoff. */
  | (JobBase & {
      readonly phase: "held";
      readonly until: number;
      readonly why: string;
      readonly allocations: readonly [];
    })
  | (JobBase & { readonly phase: "starting"; readonly allocations: readonly Allocation[] })
  | (JobBase & { readonly phase: "running"; readonly allocations: readonly Allocation[] })
  | (JobBase & {
      readonly phase: "stopping";
      readonly allocations: readonly Allocation[];
      readonly verdict: Verdict;
      /** Whether it ran before it was stopped. */
      readonly ran: boolean;
      readonly graceMs: number;
    })
  | (JobBase & {
      readonly phase: "finished";
      readonly allocations: readonly Allocation[];
      readonly outcome: Outcome;
      readonly finishedAt: number;
    });

/** Where a job is in the diagram above. */
export type JobPhase = Job["phase"];
/** A job in one of the phases. */
export type JobIn<P extends JobPhase> = Extract<Job, { phase: P }>;
/** The documented state: what users see of the phase. */
export type JobState = "pending" | "running" | "completed" | "failed" | "preempted" | "cancelled";

/** How many events a job keeps: the newest. */
export const MAX_HISTORY = 50;
/** From SIGTERM to SIGKILL, for jobs that do not say. */
export const DEFAULT_GRACE_SECONDS = 30;

/** What a job needs of the cluster, with the documented defaults. */
export interface Demand {
  readonly gpus: number;
  readonly gpuMemoryMb: number;
  /** Lower-case parts of model names, any of which will do; empty is any model. */
  readonly gpuModels: readonly string[];
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly gang: boolean;
  readonly gpusPerNode: number | undefined;
  readonly hasImage: boolean;
  readonly nodeSelector: Readonly<Record<string, string>>;
}

/** The demand of a spec. */
export function demandOf(spec: JobSpec): Demand {
  return {
    gpus: spec.gpuCount,
    gpuMemoryMb: spec.gpuMemoryMb ?? 0,
    gpuModels: (spec.gpuModel ?? "")
      .split("|")
      .map((part) => part.trim().toLowerCase())
      .filter((part) => part !== ""),
    cpuCores: spec.cpuCores ?? 1,
    memoryMb: spec.memoryMb ?? 1_024,
    gang: spec.gang ?? false,
    gpusPerNode: spec.gpusPerNode,
    hasImage: spec.image !== undefined,
    nodeSelector: spec.nodeSelector ?? {},
  };
}

/** SIGTERM to SIGKILL when the job is stopped, in milliseconds. */
export function graceMsOf(spec: JobSpec): number {
  return (spec.graceSeconds ?? DEFAULT_GRACE_SECONDS) * 1_000;
}

/** The documented state of a job: what its phase means to a user. */
export function stateOf(job: Job): JobState {
  switch (job.phase) {
    case "queued":
    case "held":
    case "starting":
      return "pending";
    case "running":
      return "running";
    case "stopping":
      if (job.verdict.kind === "cancelled") return "cancelled";
      return job.ran ? "running" : "pending";
    case "finished":
      return job.outcome.kind;
  }
}

/** Whether the rank's devices are still held. */
export function isHeld(allocation: Allocation): boolean {
  return allocation.state.phase !== "ended";
}
