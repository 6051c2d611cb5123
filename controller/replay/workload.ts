import type { JobSpec } from "../core/model/job.ts";
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
}

/** A tenant of the virtual cluster. */
export interface ReplayTenant {
  readonly id: string;
  readonly limits?: Limits;
  readonly tier?: PriorityTier;
  readonly allowPreemption?: boolean;
  readonly canPreemptOthers?: boolean;
  readonly fairShareWeight?: number;
}

/** What is asked of the core, whose tenant is {@link ReplayJob.tenant}. */
export type ReplaySpec = Omit<JobSpec, "tenantId">;

/** A job of a trace: what was asked, and what only the replay knows. Times in milliseconds since the start of the replay. */
export interface ReplayJob {
  /** The trace's own name of it. */
  readonly name: string;
  readonly tenant: string;
  readonly submitMs: number;
  /** For how long it really runs when nothing stops it; infinity for a job that never ends by itself. */
  readonly runMs: number;
  /**
   * How often it saves its work and says so, in milliseconds of running, more than 0: an attempt that is stopped has lost only
   * what came after the last time, and the next one goes on from there. Absent: it starts anew every time.
   */
  readonly checkpointEveryMs?: number;
  readonly spec: ReplaySpec;
}

/** GPUs in thousandths that the job holds while it runs. */
export function milliOf({ spec }: ReplayJob): number {
  return spec.gpuMilli ?? spec.gpuCount * 1_000;
}
