import type { JobId } from "../../base/ids.ts";
import type { Allocation } from "../core/model/allocation.ts";
import type { AttemptRecord, JobRecord } from "./record.ts";
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
