/** What an administrator may send as a tenant. */
import { z } from "zod";
import { amount, displayName, flag, wholeNumber } from "./text.ts";

const PRIORITY_TIERS = ["low", "medium", "high", "critical"] as const;

/** How a tenant's id looks; whether it exists is another question. */
export const TENANT_ID = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

const count = wholeNumber(0, 2_147_483_647);
const weight = amount(0.001, 1_000);
const gpuHours = amount(0, 1_000_000_000);
const windowDays = wholeNumber(1, 3_650);
const percent = wholeNumber(0, 100);
const idleMinutes = wholeNumber(5, 10_080);
const megabytes = wholeNumber(0, Number.MAX_SAFE_INTEGER);
const tier = z.enum(PRIORITY_TIERS, { error: "must be low, medium, high or critical" });
/** For people, who write addresses in more ways than one: any text that can be shown. */
const email = displayName(254);

/** The body of `POST /tenants`. Limits left out are unlimited. */
export const tenantRequestSchema = z.strictObject({
  name: displayName(),
  email: email.optional(),
  organization: displayName().optional(),
  max_gpus: count.optional(),
  max_gpu_memory_mb: megabytes.optional(),
  max_cpu_cores: count.optional(),
  max_memory_mb: megabytes.optional(),
  max_concurrent_jobs: count.optional(),
  max_queued_jobs: count.optional(),
  priority_tier: tier.optional(),
  allow_preemption: flag().optional(),
  can_preempt_others: flag().optional(),
  fair_share_weight: weight.optional(),
  gpu_hours_budget: gpuHours.optional(),
  budget_window_days: windowDays.optional(),
  min_gpu_utilization: percent.optional(),
  gpu_idle_window_minutes: idleMinutes.optional(),
});
export type TenantRequest = z.output<typeof tenantRequestSchema>;

/** The body of `PATCH /tenants/{id}`: fields given are set, `null` makes a limit unlimited or removes a text. */
export const tenantPatchSchema = z
  .strictObject({
    name: displayName().optional(),
    email: email.nullable().optional(),
    organization: displayName().nullable().optional(),
    max_gpus: count.nullable().optional(),
    max_gpu_memory_mb: megabytes.nullable().optional(),
    max_cpu_cores: count.nullable().optional(),
    max_memory_mb: megabytes.nullable().optional(),
    max_concurrent_jobs: count.nullable().optional(),
    max_queued_jobs: count.nullable().optional(),
    priority_tier: tier.optional(),
    allow_preemption: flag().optional(),
    can_preempt_others: flag().optional(),
    fair_share_weight: weight.nullable().optional(),
    gpu_hours_budget: gpuHours.nullable().optional(),
    budget_window_days: windowDays.nullable().optional(),
    min_gpu_utilization: percent.nullable().optional(),
    gpu_idle_window_minutes: idleMinutes.nullable().optional(),
    active: flag().optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, {
    error: "must change at least one field",
    // A field that is not known is fault enough.
    when: ({ issues }) => issues.length === 0,
  });
export type TenantPatch = z.output<typeof tenantPatchSchema>;
