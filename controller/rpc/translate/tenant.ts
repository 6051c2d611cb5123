/** Tenants between the wire, the contract's requests and the core. */
import { RequestError } from "../../../base/errors.ts";
import { parseOrRefuse } from "../../../contract/parse.ts";
import { type TenantPatch, tenantPatchSchema, tenantRequestSchema } from "../../../contract/tenant.ts";
import type { PriorityTier as TierMessage } from "../../../proto/generated/gpusched/v1/PriorityTier.ts";
import type { Tenant as TenantMessage } from "../../../proto/generated/gpusched/v1/Tenant.ts";
import type { TenantSpec__Output } from "../../../proto/generated/gpusched/v1/TenantSpec.ts";
import type { UpdateTenantRequest__Output } from "../../../proto/generated/gpusched/v1/UpdateTenantRequest.ts";
import type { TenantChange, TenantFields } from "../../core/input.ts";
import type { State } from "../../core/model/state.ts";
import type { PriorityTier, Tenant } from "../../core/model/tenant.ts";

const TIERS: Readonly<Record<PriorityTier, TierMessage>> = {
  low: "PRIORITY_TIER_LOW",
  medium: "PRIORITY_TIER_MEDIUM",
  high: "PRIORITY_TIER_HIGH",
  critical: "PRIORITY_TIER_CRITICAL",
};

/** @throws RequestError `invalid` naming the field */
export function toTenantFields(message: TenantSpec__Output | null): TenantFields {
  const request = parseOrRefuse(tenantRequestSchema, toRequestFields(message), "Invalid request");
  return {
    name: request.name,
    email: request.email,
    organization: request.organization,
    limits: limitsOf(request),
    tier: request.priority_tier,
    allowPreemption: request.allow_preemption,
    canPreemptOthers: request.can_preempt_others,
    fairShareWeight: request.fair_share_weight,
    gpuHoursBudget: request.gpu_hours_budget,
    budgetWindowDays: request.budget_window_days,
    minGpuUtilization: request.min_gpu_utilization,
    gpuIdleWindowMinutes: request.gpu_idle_window_minutes,
  };
}

/** @throws RequestError `invalid` naming the field */
export function toTenantChange(message: UpdateTenantRequest__Output): TenantChange {
  const fields: Record<string, unknown> = toRequestFields(message.spec);
  if (fields["name"] === "") delete fields["name"];
  for (const field of message.clear) {
    if (Object.hasOwn(fields, field) && fields[field] !== null) throw invalid(field, "is both set and cleared");
    fields[field] = null;
  }
  if (message.active !== undefined) fields["active"] = message.active;
  const patch: TenantPatch = parseOrRefuse(tenantPatchSchema, fields, "Invalid request");
  return {
    name: patch.name,
    email: patch.email,
    organization: patch.organization,
    limits: limitsOf(patch),
    tier: patch.priority_tier,
    allowPreemption: patch.allow_preemption,
    canPreemptOthers: patch.can_preempt_others,
    fairShareWeight: patch.fair_share_weight,
    gpuHoursBudget: patch.gpu_hours_budget,
    budgetWindowDays: patch.budget_window_days,
    minGpuUtilization: patch.min_gpu_utilization,
    gpuIdleWindowMinutes: patch.gpu_idle_window_minutes,
    active: patch.active,
  };
}

/** The message as the contract's request: what is not set is absent, the tier by its name. */
function toRequestFields(message: TenantSpec__Output | null): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message ?? {})) {
    if (name.startsWith("_") || value === undefined) continue;
    fields[name] = name === "priority_tier" ? tierName(String(value)) : value;
  }
  return fields;
}

function tierName(message: string): PriorityTier {
  const tier = (Object.keys(TIERS) as PriorityTier[]).find((name) => TIERS[name] === message);
  if (tier) return tier;
  throw invalid("priority_tier", "must be low, medium, high or critical");
}

function invalid(field: string, message: string): RequestError {
  return new RequestError("invalid", `Invalid request: ${field} ${message}`, { fields: [{ field, message }] });
}

function limitsOf<T extends number | null>(request: {
  max_gpus?: T | undefined;
  max_gpu_memory_mb?: T | undefined;
  max_cpu_cores?: T | undefined;
  max_memory_mb?: T | undefined;
  max_concurrent_jobs?: T | undefined;
  max_queued_jobs?: T | undefined;
}) {
  const limits = {
    gpus: request.max_gpus,
    gpuMemoryMb: request.max_gpu_memory_mb,
    cpuCores: request.max_cpu_cores,
    memoryMb: request.max_memory_mb,
    concurrentJobs: request.max_concurrent_jobs,
    queuedJobs: request.max_queued_jobs,
  };
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)) as {
    [limit in keyof typeof limits]?: T;
  };
}

export function fromTenant(state: State, tenant: Tenant): TenantMessage {
  const usage = state.usageOf(tenant.id);
  const { limits } = tenant;
  return {
    id: tenant.id,
    active: tenant.active,
    created_at_ms: tenant.createdAt,
    spec: {
      name: tenant.name,
      priority_tier: TIERS[tenant.tier],
      allow_preemption: tenant.allowPreemption,
      can_preempt_others: tenant.canPreemptOthers,
      ...(tenant.email === undefined ? {} : { email: tenant.email }),
      ...(tenant.organization === undefined ? {} : { organization: tenant.organization }),
      ...(limits.gpus === undefined ? {} : { max_gpus: limits.gpus }),
      ...(limits.gpuMemoryMb === undefined ? {} : { max_gpu_memory_mb: limits.gpuMemoryMb }),
      ...(limits.cpuCores === undefined ? {} : { max_cpu_cores: limits.cpuCores }),
      ...(limits.memoryMb === undefined ? {} : { max_memory_mb: limits.memoryMb }),
      ...(limits.concurrentJobs === undefined ? {} : { max_concurrent_jobs: limits.concurrentJobs }),
      ...(limits.queuedJobs === undefined ? {} : { max_queued_jobs: limits.queuedJobs }),
      ...(tenant.fairShareWeight === undefined ? {} : { fair_share_weight: tenant.fairShareWeight }),
      ...(tenant.gpuHoursBudget === undefined ? {} : { gpu_hours_budget: tenant.gpuHoursBudget }),
      ...(tenant.budgetWindowDays === undefined ? {} : { budget_window_days: tenant.budgetWindowDays }),
      ...idlePolicyFields(tenant),
    },
    usage: {
      gpus: usage.gpuMilli / 1_000,
      gpu_memory_mb: usage.gpuMemoryMb,
      cpu_cores: usage.cpuCores,
      memory_mb: usage.memoryMb,
      running_jobs: usage.jobs,
      queued_jobs: usage.queuedJobs,
    },
  };
}

function idlePolicyFields({ minGpuUtilization, gpuIdleWindowMinutes }: Tenant) {
  return {
    ...(minGpuUtilization === undefined ? {} : { min_gpu_utilization: minGpuUtilization }),
    ...(gpuIdleWindowMinutes === undefined ? {} : { gpu_idle_window_minutes: gpuIdleWindowMinutes }),
  };
}
