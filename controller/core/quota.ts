import type { FieldError } from "../../base/errors.ts";
import { type Demand, demandOf, type JobSpec, WHOLE_DEVICE } from "./model/job.ts";
import { type Limits, noUsage, type Tenant, type Usage } from "./model/tenant.ts";

/** What a job would hold, as far as quotas count it. */
export interface Holding {
  readonly gpuMilli: number;
  readonly gpuMemoryMb: number;
  readonly cpuCores: number;
  readonly memoryMb: number;
}

/** What a job would hold before it is placed: GPU memory counts as asked. */
export function holdingOf(demand: Demand): Holding {
  return {
    gpuMilli: demand.gpus * demand.milli,
    gpuMemoryMb: demand.gpuMemoryMb * demand.gpus,
    cpuCores: demand.cpuCores,
    memoryMb: demand.memoryMb,
  };
}

/** The first limit that the holding would break on top of what is held. */
export interface QuotaBlock {
  readonly resource: "gpus" | Exclude<keyof Holding, "gpuMilli"> | "jobs";
  /** What jobs hold. */
  readonly used: number;
  /** What is kept for jobs while others make room for them. */
  readonly claimed: number;
  readonly wanted: number;
  readonly limit: number;
}

/**
 * Which limit keeps the tenant from holding this as well; undefined when none does.
 *
 * @param kept what will be its own besides, once others have made room
 */
export function quotaBlock(limits: Limits, usage: Usage, holding: Holding, kept?: Usage): QuotaBlock | undefined {
  for (const [resource, limited] of LIMITED) {
    const limit = limits[limited];
    // Most tenants have few limits, and this is asked several times for each start.
    if (limit === undefined) continue;
    const [used, wanted] = amounts(resource, usage, holding);
    const claimed = kept === undefined ? 0 : amounts(resource, kept, holding)[0];
    if (wanted > 0 && used + claimed + wanted > limit) return { resource, used, claimed, wanted, limit };
  }
  return undefined;
}

/** What memory of GPUs the tenant may hold besides; undefined without a limit. */
export function gpuMemoryLeft({ gpuMemoryMb: limit }: Limits, usage: Usage, kept?: Usage): number | undefined {
  return limit === undefined ? undefined : Math.max(0, limit - usage.gpuMemoryMb - (kept?.gpuMemoryMb ?? 0));
}

const LIMITED: readonly (readonly [QuotaBlock["resource"], keyof Limits])[] = [
  ["gpus", "gpus"],
  ["gpuMemoryMb", "gpuMemoryMb"],
  ["cpuCores", "cpuCores"],
  ["memoryMb", "memoryMb"],
  ["jobs", "concurrentJobs"],
];

/** What is used of the resource, and what the holding adds. */
function amounts(resource: QuotaBlock["resource"], usage: Usage, holding: Holding): readonly [number, number] {
  if (resource === "gpus") return [usage.gpuMilli / WHOLE_DEVICE, holding.gpuMilli / WHOLE_DEVICE];
  return resource === "jobs" ? [usage.jobs, 1] : [usage[resource], holding[resource]];
}

const FIELD_OF: Readonly<Record<QuotaBlock["resource"], string>> = {
  gpus: "gpu_count",
  gpuMemoryMb: "gpu_memory_mb",
  cpuCores: "cpu_cores",
  memoryMb: "memory_mb",
  jobs: "tenant_id",
};

/** Why a job can never run within the tenant's limits, or may not even queue; undefined when it may. */
export function quotaRefusal(tenant: Tenant, usage: Usage, spec: JobSpec, count: number): FieldError | undefined {
  const block = quotaBlock(tenant.limits, noUsage(), holdingOf(demandOf(spec)));
  if (block) {
    return {
      field: FIELD_OF[block.resource],
      message: `asks for ${block.wanted} ${QUOTA_UNIT[block.resource]}, and the tenant's limit is ${block.limit}`,
    };
  }
  const { queuedJobs } = tenant.limits;
  if (queuedJobs !== undefined && usage.queuedJobs + count > queuedJobs) {
    const more = count === 1 ? "" : `, and this would add ${count}`;
    return { field: "tenant_id", message: `the tenant has ${usage.queuedJobs} of ${queuedJobs} queued jobs${more}` };
  }
  return undefined;
}

/** What each quota counts, for sentences. */
export const QUOTA_UNIT: Readonly<Record<QuotaBlock["resource"], string>> = {
  gpus: "GPUs",
  gpuMemoryMb: "MB of GPU memory",
  cpuCores: "cores",
  memoryMb: "MB of memory",
  jobs: "running jobs",
};
