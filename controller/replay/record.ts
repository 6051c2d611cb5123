import type { ReplayJob } from "./workload.ts";

/** What an attempt held on one node. */
export interface HeldShare {
  readonly node: string;
  /** Ids that are unique in the cluster. */
  readonly devices: readonly string[];
}

/**
 * How an attempt came to its end: `over` by itself, at its limit or when the job was cancelled; `requeued` when it was stopped
 * to make room and the job waits again; `cut-off` when it was stopped to make room and the job is not tried again; `failed` when
 * it failed by itself, and `lost` when its node left, and the job is tried again.
 */
export type AttemptEnd = "over" | "requeued" | "cut-off" | "failed" | "lost";

/** Whether the job waits once more after such an end. */
export function isTriedAgain(end: AttemptEnd | undefined): boolean {
  return end === "requeued" || end === "failed" || end === "lost";
}

/** One try of a job. Times in milliseconds since the start of the replay. */
export interface AttemptRecord {
  readonly startMs: number;
  readonly shares: readonly HeldShare[];
  /** When it ended; undefined while it runs, and for good when the replay ended before it did. */
  endMs: number | undefined;
  /** What it did that lasts, in milliseconds of running: all of it when it was the last, what it saved when it was stopped, nothing when it failed. */
  keptMs: number;
  ended: AttemptEnd | undefined;
}

/** What became of one job of a trace. */
export interface JobRecord {
  readonly job: ReplayJob;
  readonly attempts: AttemptRecord[];
  /** Why the core did not take it. */
  refusal: string | undefined;
  /** When it was taken back before it started. */
  droppedMs: number | undefined;
}

/** All that a replay leaves behind: what the figures are computed from. */
export interface RunRecord {
  /** All that were there at some time. */
  readonly nodes: readonly { readonly name: string; readonly gpus: number; readonly gpuModel: string }[];
  /** GPUs that there were from each time on, in order, where that changed: milliseconds since the start of the replay. */
  readonly capacity?: readonly CapacityStep[];
  readonly jobs: readonly JobRecord[];
  /** When it was looked at for the last time, where jobs may still have run or waited then: milliseconds since the start. */
  readonly endMs?: number;
}

/** How many GPUs there were from a time on. */
export interface CapacityStep {
  readonly atMs: number;
  readonly gpus: number;
}

/** A job of which nothing has happened yet. */
export function newRecord(job: ReplayJob): JobRecord {
  return { job, attempts: [], refusal: undefined, droppedMs: undefined };
}
