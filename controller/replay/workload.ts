import type { JobSpec } from "../core/model/job.ts";
import type { Inventory } from "../core/model/node.ts";
import type { PriorityTier, Limits } from "../core/model/tenant.ts";

/** A host of the virtual cluster, with GPUs of one model. */
export interface ReplayNode {
  readonly name: string;
  readonly gpus: number;
  readonly gpuModel: string;
  readonly gpuMemoryMb: number;
  readonly cpuCores: number;
  readonly memoryMb: number;
  /** Whether fractions of its GPUs may be given out. */
  readonly allowsSharing?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  /** Instead of what the fields above say of its devices, whose ids are the node's name, a slash and a number. */
  readonly inventory?: Inventory;
}

/** A tenant of the virtual cluster. */
export interface ReplayTenant {
  readonly id: string;
  readonly limits?: Limits;
  readonly tier?: PriorityTier;
  readonly allowPreemption?: boolean;
  readonly canPreemptOthers?: boolean;
  readonly fairShareWeight?: number;
  readonly gpuHoursBudget?: number;
  readonly budgetWindowDays?: number;
  /** Absent is true: only an inactive one's submissions are refused. */
  readonly active?: boolean;
}

/** What changes while the replay goes on. A node that joins anew has what it says now; one that leaves loses what runs on it. */
export type ClusterEvent =
  | { readonly atMs: number; readonly kind: "tenant"; readonly tenant: ReplayTenant }
  | { readonly atMs: number; readonly kind: "join"; readonly node: ReplayNode }
  | { readonly atMs: number; readonly kind: "leave"; readonly node: string };

/** A run that comes to its own end, after so many milliseconds. */
export interface OwnEnd {
  readonly runMs: number;
  /** Absent is 0. */
  readonly exitCode?: number;
  /**
   * After how much of it its work is safe, and is said to be, in order: an attempt that is stopped has lost only what came
   * after the last time, and the next one goes on from there.
   */
  readonly checkpointsMs?: readonly number[];
}

/** What is asked of the core, whose tenant is {@link ReplayJob.tenant}. */
export type ReplaySpec = Omit<JobSpec, "tenantId">;

/** A job of a trace: what was asked, and what only the replay knows. Times in milliseconds since the start of the replay. */
export interface ReplayJob extends OwnEnd {
  /** The trace's own name of it. */
  readonly name: string;
  readonly tenant: string;
  readonly submitMs: number;
  /** For how long it really runs when nothing stops it; infinity for a job that never ends by itself. */
  readonly runMs: number;
  /** The same for a job that saves its work at intervals: milliseconds of running in one attempt, more than 0. */
  readonly checkpointEveryMs?: number;
  readonly spec: ReplaySpec;
  /** Ends that it comes to before, one for each time that it is tried again because of it. */
  readonly failures?: readonly OwnEnd[];
  /** Names of jobs, or of arrays, that were submitted before it and must have completed. */
  readonly after?: readonly string[];
  /** Before this it does not queue. */
  readonly notBeforeMs?: number;
  /** When its user takes it back, if it is not over by then. */
  readonly cancelMs?: number;
  /** Neighbours with the same one are alike, and are submitted together as one array of this name. */
  readonly array?: string;
}

/** GPUs in thousandths that the job holds while it runs. */
export function milliOf({ spec }: ReplayJob): number {
  return spec.gpuMilli ?? spec.gpuCount * 1_000;
}
