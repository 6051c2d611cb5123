import type { TenantId } from "../../../base/ids.ts";

/** The documented tiers, lowest first. */
export type PriorityTier = "low" | "medium" | "high" | "critical";

/** The priority that each tier stands for, and to which its tenants' jobs are capped. */
export const TIER_PRIORITY: Readonly<Record<PriorityTier, number>> = {
  low: 100,
  medium: 500,
  high: 1_000,
  critical: 5_000,
};

/** What a tenant may hold at once. An absent limit is none. */
export interface Limits {
  readonly gpus?: number;
  readonly gpuMemoryMb?: number;
  readonly cpuCores?: number;
  readonly memoryMb?: number;
  readonly concurrentJobs?: number;
  readonly queuedJobs?: number;
}

/** The window of a budget, for tenants that do not say. */
export const DEFAULT_BUDGET_WINDOW_DAYS = 30;

/** The longest window that a budget can have: what was used before counts for none. */
export const MAX_BUDGET_WINDOW_DAYS = 3_650;

/** How long a device may be idle before its job is stopped, for tenants that do not say. */
export const DEFAULT_IDLE_WINDOW_MINUTES = 60;

/** A user group with a quota. */
export interface Tenant {
  readonly id: TenantId;
  readonly name: string;
  readonly email?: string;
  readonly organization?: string;
  readonly limits: Limits;
  readonly tier: PriorityTier;
  readonly allowPreemption: boolean;
  readonly canPreemptOthers: boolean;
  /** Its part of the cluster against that of others; absent is 1. */
  readonly fairShareWeight?: number;
  /** GPU-hours that its jobs may use within the window; absent is no limit. */
  readonly gpuHoursBudget?: number;
  /** Absent is {@link DEFAULT_BUDGET_WINDOW_DAYS}. */
  readonly budgetWindowDays?: number;
  /** In percent: below it a device that one of its jobs holds is idle. Absent or 0: it does not matter. */
  readonly minGpuUtilization?: number;
  /** Absent is {@link DEFAULT_IDLE_WINDOW_MINUTES}. */
  readonly gpuIdleWindowMinutes?: number;
  readonly active: boolean;
  readonly createdAt: number;
  /** What jobs used that are not kept any more: days since the epoch, ascending, and the GPU-milliseconds of those that ended then. */
  readonly forgotten?: readonly (readonly [day: number, gpuMs: number])[];
}

/** What is held now; `gpuMemoryMb` counts what jobs asked for, else the devices' own memory. */
export interface Usage {
  /** In thousandths of a device. */
  gpuMilli: number;
  gpuMemoryMb: number;
  cpuCores: number;
  memoryMb: number;
  /** Jobs that hold anything. */
  jobs: number;
  queuedJobs: number;
}

/** Nothing held. */
export function noUsage(): Usage {
  return { gpuMilli: 0, gpuMemoryMb: 0, cpuCores: 0, memoryMb: 0, jobs: 0, queuedJobs: 0 };
}
