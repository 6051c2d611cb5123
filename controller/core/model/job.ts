import type { DeviceId, JobId, NodeName, TenantId } from "../../../base/ids.ts";
import type { Allocation } from "./allocation.ts";
import type { IdleDevice } from "./idle.ts";

/** A directory or file of the node's host that a job sees. */
export interface Volume {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

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
  /** The share of one device, in thousandths; only with one GPU. Absent is a whole device. */
  readonly gpuMilli?: number;
  readonly cpuCores?: number;
  readonly memoryMb?: number;
  /** Of /dev/shm in each container. */
  readonly shmSizeMb?: number;
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
  /** Jobs of the same tenant that must have completed before this one may queue. */
  readonly dependsOn?: readonly JobId[];
  /** Milliseconds since the epoch before which the job does not queue. */
  readonly notBefore?: number;
  readonly volumes?: readonly Volume[];
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
  | "preempting"
  | "preempted"
  | "checkpoint"
  | "gpu-idle"
  | "node-unreachable"
  | "node-returned"
  | "completed"
  | "failed"
  | "cancelled";

/** What becomes of a job once its ranks are gone. */
export type Verdict =
  | { readonly kind: "completed"; readonly exitCode: number; readonly message: string }
  | {
      readonly kind: "failed";
      readonly exitCode?: number;
      readonly signal?: number;
      readonly message: string;
      /** Present when it was stopped for it. */
      readonly idle?: IdleDevice;
    }
  | { readonly kind: "cancelled"; readonly message: string }
  /** Made room for another job, and its user does not want it tried again. */
  | { readonly kind: "preempted"; readonly message: string }
  /** Makes room for another job, and queues again at once. */
  | { readonly kind: "preempt"; readonly message: string; readonly delayMs: 0 }
  /** Again: after a failure of the user's (`retry`, counted) or of the machine's (`requeue`, not counted). */
  | { readonly kind: "retry" | "requeue"; readonly message: string; readonly delayMs: number };

/** How a job ended. */
export type Outcome = Exclude<Verdict, { delayMs: number }>;

/** Why a held job does not queue yet. */
export type Hold =
  /** A failed attempt's backoff; `why` tells of the failure. */
  | { readonly kind: "backoff"; readonly until: number; readonly why: string }
  /** The user asked for a time. */
  | { readonly kind: "not-before"; readonly until: number }
  /** Jobs, and arrays as a whole, that have not completed yet. */
  | { readonly kind: "dependencies"; readonly on: readonly JobId[] };

/** How long a job is expected to run, in milliseconds, and how that is known. */
export interface RuntimePlan {
  readonly ms: number;
  /** `guess` when it has neither a limit nor a history. */
  readonly basis: "limit" | "history" | "guess";
  /** Runs that a prediction was made from. */
  readonly samples?: number;
}

/** One of many jobs of one submission. */
export interface ArrayMembership {
  readonly id: JobId;
  /** Counted from 0. */
  readonly index: number;
}

/**
 * Room that is kept for a job while the jobs that must make it are being stopped: nobody else is placed there.
 * Given up at `until`, so that a victim that cannot be stopped does not hold room for ever.
 */
export interface Claim {
  readonly shares: readonly ClaimedShare[];
  readonly until: number;
}

/** What a claim keeps on one node: these very devices, or the job's share of one. */
export interface ClaimedShare {
  readonly node: NodeName;
  readonly devices: readonly DeviceId[];
  /** The share of the one device, in thousandths; absent is all of each. */
  readonly milli?: number;
  readonly cpuCores: number;
  readonly memoryMb: number;
}

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
  /** Attempts that were lost because a device of theirs broke under them; absent is none. */
  readonly deviceLosses?: number;
  /** When the newest attempt that ran began to run. */
  readonly startedAt?: number;
  /** When it could first queue, for a job that had to wait for a time or for other jobs. */
  readonly eligibleAt?: number;
  readonly array?: ArrayMembership;
  /** How long its newest attempt was expected to run when it was placed. */
  readonly plan?: RuntimePlan;
  /** When its newest attempt was placed: from then on it holds its devices. */
  readonly placedAt?: number;
  /** It made room for another job and has not run since. */
  readonly isPreempted?: true;
  /** For how long attempts that made room for others held their place, in milliseconds. */
  readonly preemptedMs?: number;
  /** GPU-milliseconds that attempts before the newest one held. */
  readonly spentGpuMs?: number;
  /** When the running attempt last said that its work is safe. */
  readonly checkpointAt?: number;
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
 *          └────(again, later)───────┘   (at once: queued)
 * ```
 */
export type Job =
  | (JobBase & { readonly phase: "queued"; readonly claim?: Claim; readonly allocations: readonly [] })
  /** May not queue yet. */
  | (JobBase & { readonly phase: "held"; readonly hold: Hold; readonly allocations: readonly [] })
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

/** A device in thousandths. */
export const WHOLE_DEVICE = 1_000;

/** What a job needs of the cluster, with the documented defaults. */
export interface Demand {
  readonly gpus: number;
  /** Of each device: 1000 but for a job that shares one. */
  readonly milli: number;
  readonly gpuMemoryMb: number;
  /** The most that each device may have, for a job that its tenant's quota keeps from larger ones. */
  readonly maxGpuMemoryMb: number | undefined;
  /** Lower-case parts of model names, any of which will do; empty is any model. */
  readonly gpuModels: readonly string[];
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly gang: boolean;
  readonly gpusPerNode: number | undefined;
  readonly hasImage: boolean;
  readonly volumes: readonly Volume[];
  readonly nodeSelector: Readonly<Record<string, string>>;
}

/** The demand of a spec. */
export function demandOf(spec: JobSpec): Demand {
  return {
    gpus: spec.gpuCount,
    milli: spec.gpuMilli ?? WHOLE_DEVICE,
    gpuMemoryMb: spec.gpuMemoryMb ?? 0,
    maxGpuMemoryMb: undefined,
    gpuModels: spec.gpuModel === undefined ? ANY_MODEL : modelsOf(spec.gpuModel),
    cpuCores: spec.cpuCores ?? 1,
    memoryMb: spec.memoryMb ?? 1_024,
    gang: spec.gang ?? false,
    gpusPerNode: spec.gpusPerNode,
    hasImage: spec.image !== undefined,
    volumes: spec.volumes ?? NO_VOLUMES,
    nodeSelector: spec.nodeSelector ?? {},
  };
}

const ANY_MODEL: readonly string[] = [];
const NO_VOLUMES: readonly Volume[] = [];

function modelsOf(gpuModel: string): readonly string[] {
  const parts = gpuModel.split("|").map((part) => part.trim().toLowerCase());
  return parts.filter((part) => part !== "");
}

/** The devices that a spec asks for, a share of one as a fraction. */
export function gpusOf(spec: JobSpec): number {
  return (spec.gpuCount * (spec.gpuMilli ?? WHOLE_DEVICE)) / WHOLE_DEVICE;
}

/** Until when a job that is being stopped may take to end, from when it was last told to; then what is left of it is killed. */
export function graceEndsAt({ history, graceMs }: JobIn<"stopping">): number {
  return (history.findLast(({ kind }) => kind === "stopping")?.at ?? 0) + graceMs;
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
      return job.isPreempted ? "preempted" : "pending";
    case "running":
      return "running";
    case "stopping":
      if (job.verdict.kind === "cancelled") return "cancelled";
      if (job.verdict.kind === "preempt" || job.verdict.kind === "preempted") return "preempted";
      return job.ran ? "running" : "pending";
    case "finished":
      return job.outcome.kind;
  }
}

/** Whether the job waits for its start, or will once what is being stopped of it is gone. */
export function waitsForStart(job: Job): boolean {
  if (job.phase === "stopping") return "delayMs" in job.verdict;
  return job.phase === "queued" || job.phase === "held";
}

/**
 * From when on the job's waiting counts. The time in which it ran until it had to make room is none: else a job that has to
 * make room again and again would come back ahead of the same waiting jobs for ever.
 */
export function since(job: Job): number {
  return (job.eligibleAt ?? job.submittedAt) + (job.preemptedMs ?? 0);
}
