import { type Allocation, isHeld } from "../../model/allocation.ts";
import { type Demand, graceEndsAt, type Job, type JobIn, WHOLE_DEVICE } from "../../model/job.ts";
import type { State } from "../../model/state.ts";

/** A running job that may be stopped, and what that would cost. */
export interface Victim {
  readonly job: JobIn<"running">;
  /** What it holds of GPUs everywhere, in thousandths. */
  readonly gpuMilli: number;
  readonly cpuCores: number;
  /** What it has done since its last checkpoint, or since it began: thousandths of a GPU × milliseconds. */
  readonly lost: number;
}

/** After its grace a stopped job is still taken to be about to leave for so long; then it may be stuck. */
export const STOP_MARGIN_MS = 30_000;
/** When to look again at a job that is in the way and has not begun to run. */
const STARTING_RETRY_MS = 10_000;

/**
 * Whether the job would ever make room for another of this priority: its tenant allows it, and its own priority, as it is
 * without waiting, is lower. As priorities never change, no two jobs can make each other leave in turns, and a tenant's own
 * jobs need no exception: an important one may take the place of a less important one.
 */
export function mayYield(state: State, job: Job, priority: number): boolean {
  if (job.phase !== "running" && job.phase !== "starting") return false;
  return job.effectivePriority < priority && state.tenant(job.tenantId).allowPreemption;
}

/** What at most may be taken from victims: thousandths of GPUs, and cores. */
export interface Limit {
  readonly gpuMilli: number;
  readonly cpuCores: number;
}

/**
 * What victims may lose at most: so many GPUs for each that the job needs. A job without GPUs takes none from others, and
 * cores by the same measure.
 */
export function limitFor(demand: Demand, maxGpusPerGpu: number): Limit {
  if (demand.gpus === 0) return { gpuMilli: 0, cpuCores: maxGpusPerGpu * demand.cpuCores };
  return { gpuMilli: maxGpusPerGpu * demand.gpus * demand.milli, cpuCores: Number.POSITIVE_INFINITY };
}

/** Whether the job may be stopped at least if nobody else is. */
export function isWithin(limit: Limit, job: Job, { milli = WHOLE_DEVICE, cpuCores }: Allocation): boolean {
  return job.gpuCount * milli <= limit.gpuMilli && cpuCores <= limit.cpuCores;
}

/** From when on the job may be stopped: it has run for a while by then. */
export function yieldsFrom(state: State, job: Job, at: number): number {
  const { minRunMs } = state.settings.policy.preemption;
  if (job.phase === "running" && job.startedAt !== undefined) return job.startedAt + minRunMs;
  return at + Math.max(minRunMs, STARTING_RETRY_MS);
}

/** Whether every node that it runs on can be told to stop it. */
export function isReachable(state: State, job: Job): boolean {
  return job.allocations.every((allocation) => {
    if (!isHeld(allocation)) return true;
    const node = state.nodes.get(allocation.node);
    return node?.reach === "online" && node.session !== undefined;
  });
}

/** The victim that the job would be at the time. */
export function victimOf(job: JobIn<"running">, at: number): Victim {
  let [gpuMilli, cpuCores] = [0, 0];
  for (const allocation of job.allocations) {
    if (!isHeld(allocation)) continue;
    gpuMilli += allocation.devices.length * (allocation.milli ?? WHOLE_DEVICE);
    cpuCores += allocation.cpuCores;
  }
  const since = job.checkpointAt ?? job.startedAt ?? at;
  return { job, gpuMilli, cpuCores, lost: gpuMilli * Math.max(0, at - since) };
}

/** By loss, then the lowest priority, then the youngest, then by id. */
export function compareVictims(a: Victim, b: Victim): number {
  return (
    a.lost - b.lost ||
    a.job.effectivePriority - b.job.effectivePriority ||
    (b.job.startedAt ?? 0) - (a.job.startedAt ?? 0) ||
    (a.job.id < b.job.id ? -1 : Number(a.job.id > b.job.id))
  );
}

/** Until when a job that is being stopped is taken to be about to leave; 0 for any other. */
export function leavesUntil(job: Job): number {
  if (job.phase !== "stopping") return 0;
  return graceEndsAt(job) + STOP_MARGIN_MS;
}
