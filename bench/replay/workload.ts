import type { ReplayJob, ReplayTenant } from "../../controller/replay/workload.ts";
import type { TraceJob } from "./trace.ts";

/**
 * What is made of the users' requested run times: a limit that ends the job, as it says or, where the log has a job run longer
 * (`stretched`), the true run time; or nothing.
 */
export type Limits = "requested" | "stretched" | "none";

/** Cores and memory of a trace may be fractions of a core; the core counts whole ones, so that hosts and jobs count in these. */
const CORE_PARTS = 1_000;

/**
 * A trace's rows as jobs for the replay, in the order of submission; the first is submitted at 0, and so is who is not known
 * when. Without a duration a job never ends by itself.
 */
export function replayJobs(rows: readonly TraceJob[], limits: Limits): ReplayJob[] {
  const timed = rows.map((row) => ({ row, submitS: row.submitS ?? 0 })).sort((a, b) => a.submitS - b.submitS);
  const startS = timed[0]?.submitS ?? 0;
  return timed.map(({ row, submitS }) => replayJob(row, limits, submitS - startS));
}

/** One row as a job. With limits it runs at most for what was requested. */
function replayJob(row: TraceJob, limits: Limits, submitS: number): ReplayJob {
  const runS = row.durationS ?? Number.POSITIVE_INFINITY;
  const limitS = limitOf(row, limits);
  return {
    name: row.name,
    tenant: row.tenant,
    submitMs: Math.round(submitS * 1_000),
    runMs: Math.round(runS * 1_000),
    spec: {
      name: "job",
      gpuCount: row.gpus,
      cpuCores: Math.round((row.cpus ?? 0) * CORE_PARTS),
      memoryMb: Math.ceil(row.memoryMb ?? 0),
      ...(row.gpus === 1 && row.gpuMilli !== undefined && row.gpuMilli < 1_000 && { gpuMilli: row.gpuMilli }),
      ...(row.gpuModel !== undefined && { gpuModel: row.gpuModel }),
      ...(row.replicas > 1 && { gang: true, gpusPerNode: row.gpusPerNode }),
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
