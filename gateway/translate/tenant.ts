/** Tenants, REST in, proto out, and back. */
import { formatTimestamp } from "../../base/time.ts";
import type { TenantPatch, TenantRequest } from "../../contract/tenant.ts";
import type { PriorityTier } from "../../proto/generated/gpusched/v1/PriorityTier.ts";
import type { Tenant__Output } from "../../proto/generated/gpusched/v1/Tenant.ts";
import type { TenantSpec } from "../../proto/generated/gpusched/v1/TenantSpec.ts";
import type { UpdateTenantRequest } from "../../proto/generated/gpusched/v1/UpdateTenantRequest.ts";
import { word } from "./words.ts";

/** What is meant where nothing was said. */
const DEFAULT_WEIGHT = 1;
const DEFAULT_WINDOW_DAYS = 30;
const DEFAULT_IDLE_WINDOW_MINUTES = 60;

const TIER_TO_PROTO = {
  low: "PRIORITY_TIER_LOW",
  medium: "PRIORITY_TIER_MEDIUM",
  high: "PRIORITY_TIER_HIGH",
  critical: "PRIORITY_TIER_CRITICAL",
} as const satisfies Record<string, PriorityTier>;

export function toTenantSpec(request: TenantRequest): TenantSpec {
  const { priority_tier, ...rest } = request;
  return { ...rest, ...(priority_tier && { priority_tier: TIER_TO_PROTO[priority_tier] }) };
}

/** Fields that are null are cleared, the others set. */
export function toUpdateTenantRequest(tenantId: string, patch: TenantPatch): UpdateTenantRequest {
  const { active, priority_tier, ...fields } = patch;
  const given = Object.entries(fields);
  return {
    tenant_id: tenantId,
    spec: {
      ...Object.fromEntries(given.filter(([, value]) => value !== null)),
      ...(priority_tier && { priority_tier: TIER_TO_PROTO[priority_tier] }),
    },
    clear: given.filter(([, value]) => value === null).map(([name]) => name),
    ...(active !== undefined && { active }),
  };
}

/** The answer of `POST /tenants`: exactly the documented fields. A limit that is null is none. */
export function toTenantSummary(tenant: Tenant__Output) {
  return {
    id: tenant.id,
    name: tenant.spec?.name ?? "",
    max_gpus: tenant.spec?.max_gpus ?? null,
    current_gpus: tenant.usage?.gpus ?? 0,
    priority_tier: word("PRIORITY_TIER", tenant.spec?.priority_tier),
    active: tenant.active,
    created_at: formatTimestamp(tenant.created_at_ms),
  };
}

/** A tenant with everything that was set and is held now. */
export function toTenant(tenant: Tenant__Output) {
  const { spec, usage } = tenant;
  return {
    ...toTenantSummary(tenant),
    email: spec?.email ?? null,
    organization: spec?.organization ?? null,
    max_gpu_memory_mb: spec?.max_gpu_memory_mb ?? null,
    max_cpu_cores: spec?.max_cpu_cores ?? null,
    max_memory_mb: spec?.max_memory_mb ?? null,
    max_concurrent_jobs: spec?.max_concurrent_jobs ?? null,
    max_queued_jobs: spec?.max_queued_jobs ?? null,
    allow_preemption: spec?.allow_preemption ?? null,
    can_preempt_others: spec?.can_preempt_others ?? null,
    fair_share_weight: spec?.fair_share_weight ?? DEFAULT_WEIGHT,
    gpu_hours_budget: spec?.gpu_hours_budget ?? null,
    budget_window_days: spec?.budget_window_days ?? DEFAULT_WINDOW_DAYS,
    min_gpu_utilization: spec?.min_gpu_utilization ?? null,
    gpu_idle_window_minutes: spec?.gpu_idle_window_minutes ?? DEFAULT_IDLE_WINDOW_MINUTES,
    current_gpu_memory_mb: usage?.gpu_memory_mb ?? 0,
    current_cpu_cores: usage?.cpu_cores ?? 0,
    current_memory_mb: usage?.memory_mb ?? 0,
    current_jobs: usage?.running_jobs ?? 0,
    queued_jobs: usage?.queued_jobs ?? 0,
  };
}
