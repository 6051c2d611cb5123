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

/** What a job would hold at least, before it is placed: GPU memory counts as asked, and what is divided among nodes is rounded up. */
export function holdingOf({ gpus, gpusPerNode = gpus, milli, gpuMemoryMb, cpuCores, memoryMb }: Demand): Holding {
  const nodes = gpus === 0 ? 1 : gpus / gpusPerNode;
  return {
    gpuMilli: gpus * milli,
    gpuMemoryMb: gpuMemoryMb * gpus,
    cpuCores: nodes * Math.ceil(cpuCores / nodes),
    memoryMb: nodes * Math.ceil(memoryMb / nodes),
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
  for (const limited of LIMITED) {
    const block = blockBy(limited, limits, usage, holding, kept);
    if (block) return block;
  }
  return undefined;
}

/** All limits that do: {@link quotaBlock} is the first. */
export function quotaBlocks(limits: Limits, usage: Usage, holding: Holding, kept?: Usage): readonly QuotaBlock[] {
  return LIMITED.flatMap((limited) => blockBy(limited, limits, usage, holding, kept) ?? []);
}

function blockBy(
  [resource, limited]: Limited,
  limits: Limits,
  usage: Usage,
  holding: Holding,
  kept: Usage | undefined,
): QuotaBlock | undefined {
  const limit = limits[limited];
  // Most tenants have few limits, and this is asked several times for each start.
  if (limit === undefined) return undefined;
  const [used, wanted] = amounts(resource, usage, holding);
  const claimed = kept === undefined ? 0 : amounts(resource, kept, holding)[0];
  const unit = resource === "gpus" ? WHOLE_DEVICE : 1;
  if (wanted === 0 || used + claimed + wanted <= limit * unit) return undefined;
  return { resource, used: used / unit, claimed: claimed / unit, wanted: wanted / unit, limit };
}

/** What memory of GPUs the tenant may hold besides; undefined without a limit. */
export function gpuMemoryLeft({ gpuMemoryMb: limit }: Limits, usage: Usage, kept?: Usage): number | undefined {
  return limit === undefined ? undefined : Math.max(0, limit - usage.gpuMemoryMb - (kept?.gpuMemoryMb ?? 0));
}

type Limited = readonly [QuotaBlock["resource"], keyof Limits];

const LIMITED: readonly Limited[] = [
  ["gpus", "gpus"],
  ["gpuMemoryMb", "gpuMemoryMb"],
  ["cpuCores", "cpuCores"],
  ["memoryMb", "memoryMb"],
  ["jobs", "concurrentJobs"],
];

/** What is used of the resource, and what the holding adds; GPUs in thousandths. */
function amounts(resource: QuotaBlock["resource"], usage: Usage, holding: Holding): readonly [number, number] {
  if (resource === "gpus") return [usage.gpuMilli, holding.gpuMilli];
  return resource === "jobs" ? [usage.jobs, 1] : [usage[resource], holding[resource]];
}

const FIELD_OF: Readonly<Record<QuotaBlock["resource"], string>> = {
  gpus: "gpu_count",
  gpuMemoryMb: "gpu_memory_mb",
  cpuCores: "cpu_cores",
  memoryMb: "memory_mb",
  jobs: "tenant_id",
};

/** Every reason for which a job can never run within the tenant's limits, or may not even queue; none when it may. */
export function quotaRefusals(tenant: Tenant, usage: Usage, spec: JobSpec, count: number): readonly FieldError[] {
  const faults = quotaBlocks(tenant.limits, noUsage(), holdingOf(demandOf(spec))).map((block) => ({
    field: FIELD_OF[block.resource],
    message: `asks for ${block.wanted} ${QUOTA_UNIT[block.resource]}, and the tenant's limit is ${block.limit}`,
  }));
  const { queuedJobs } = tenant.limits;
  if (queuedJobs === undefined || usage.queuedJobs + count <= queuedJobs) return faults;
  const more = count === 1 ? "" : `, and this would add ${count}`;
  const message = `the tenant has ${usage.queuedJobs} of ${queuedJobs} queued jobs${more}`;
  return [...faults, { field: "tenant_id", message }];
}

/** What each quota counts, for sentences. */
export const QUOTA_UNIT: Readonly<Record<QuotaBlock["resource"], string>> = {
  gpus: "GPUs",
  gpuMemoryMb: "MB of GPU memory",
  cpuCores: "cores",
  memoryMb: "MB of memory",
  jobs: "running jobs",
};
