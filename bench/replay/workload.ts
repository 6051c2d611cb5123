import type { ReplayJob, ReplayTenant } from "../../controller/replay/workload.ts";
import type { TraceJob } from "./trace.ts";

/**
 * What is made of the users' requested run times: a limit that ends the job, as it says or, where the log has a job run longer
 * (`stretched`), the true run time; or nothing.
 */
export type Limits = "requested" | "stretched" | "none";

/** Cores and memory of a trace may be fractions of a core; the core counts whole ones, so that hosts and jobs count in these. */
const CORE_PARTS = 1_000;

/** A trace's rows as jobs for the replay, in the order of submission; the first is submitted at 0. */
export function replayJobs(rows: readonly TraceJob[], limits: Limits): ReplayJob[] {
  const sorted = [...rows].sort((a, b) => a.submitS - b.submitS);
  const startS = sorted[0]?.submitS ?? 0;
  return sorted.map((row) => replayJob(row, limits, startS));
}

/** One row as a job. With limits it runs at most for what was requested. */
export function replayJob(row: TraceJob, limits: Limits, startS: number): ReplayJob {
  const isGang = row.replicas > 1;
  const runS = row.durationS ?? Number.POSITIVE_INFINITY;
  const limitS = limitOf(row, limits);
  return {
    name: row.name,
    tenant: row.tenant,
    submitMs: Math.round((row.submitS - startS) * 1_000),
    runMs: runS * 1_000,
    spec: {
      name: "job",
      gpuCount: row.gpus,
      cpuCores: (row.cpus ?? 0) * CORE_PARTS,
      memoryMb: row.memoryMb ?? 0,
      ...(row.gpus === 1 && row.gpuMilli !== undefined && row.gpuMilli < 1_000 && { gpuMilli: row.gpuMilli }),
      ...(row.gpuModel !== undefined && { gpuModel: row.gpuModel }),
      ...(isGang && { gang: true, gpusPerNode: row.gpusPerNode ?? row.gpus / row.replicas }),
      ...(limitS !== undefined && { maxRuntimeMinutes: limitS / 60 }),
    },
  };
}

function limitOf({ requestedS, durationS = 0 }: TraceJob, limits: Limits): number | undefined {
  if (limits === "none" || requestedS === undefined) return undefined;
  return limits === "requested" ? requestedS : Math.max(requestedS, durationS);
}

/** Hosts whose cores are counted as the jobs' are. */
export function inCoreParts<N extends { readonly cpuCores: number }>(nodes: readonly N[]): N[] {
  return nodes.map((node) => ({ ...node, cpuCores: node.cpuCores * CORE_PARTS }));
}

/** Everybody who submits. All are alike. */
export function tenantsOf(jobs: readonly ReplayJob[]): ReplayTenant[] {
  return [...new Set(jobs.map(({ tenant }) => tenant))].map((id) => ({ id, tier: "critical" }));
}
