import type { JobId } from "../../base/ids.ts";
import type { Allocation } from "../core/model/allocation.ts";
import type { Job } from "../core/model/job.ts";
import type { AttemptEnd, AttemptRecord, JobRecord } from "./record.ts";
import type { ClusterEvent } from "./workload.ts";

/** An attempt that runs on the virtual nodes. */
export interface Run {
  readonly jobId: JobId;
  readonly attempt: number;
  readonly allocations: readonly Allocation[];
  readonly record: JobRecord;
  readonly current: AttemptRecord;
  /** By itself. */
  readonly exitCode: number;
  /** What earlier attempts have kept for it, in milliseconds of running. */
  readonly keptMs: number;
  readonly checkpointsMs: readonly number[];
  isStopping: boolean;
  /** A node of it has left. */
  isLost: boolean;
  isOver: boolean;
}

/** What is to come: a run saves its work or ends, a user takes a job back, or something of {@link ClusterEvent}. */
export type Event =
  | { readonly kind: "checkpoint" | "end"; readonly run: Run }
  | { readonly kind: "cancel"; readonly jobId: JobId }
  | ClusterEvent;

/** A job that was asked for; without an id it was refused. */
export interface Submitted {
  readonly jobId: JobId | undefined;
  readonly of: JobRecord;
}

/** Nothing of the attempt runs any more: what it was is recorded, by what has become of its job. */
export function closeRun(run: Run, job: Job | undefined, nowMs: number): void {
  const { current } = run;
  run.isOver = true;
  current.endMs = nowMs;
  current.ended = endOf(run, job);
  if (current.ended === "over") current.keptMs = nowMs - current.startMs;
  // What comes after a failure is another run, which is known from its beginning.
  if (current.ended === "failed") current.keptMs = 0;
}

function endOf({ isLost, isStopping }: Run, job: Job | undefined): AttemptEnd {
  if (job?.phase === "finished") return job.outcome.kind === "preempted" ? "cut-off" : "over";
  if (isLost) return "lost";
  return isStopping ? "requeued" : "failed";
}
