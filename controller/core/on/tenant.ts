import { RequestError } from "../../../base/errors.ts";
import type { Answers, InputOf } from "../input.ts";
import type { State } from "../model/state.ts";
import type { Limits, Tenant } from "../model/tenant.ts";
import type { Output } from "../output.ts";

/** Stores a new tenant. A tenant of a given id that exists already is left as it is. */
export function onCreateTenant(state: State, input: InputOf<"create-tenant">, out: Output): Answers["create-tenant"] {
  const { tenant, at } = input;
  if (input.id && state.tenants.has(input.id)) return { tenantId: input.id };
  const id = input.id ?? state.ids.newTenant(at);
  save(state, out, {
    id,
    name: tenant.name,
    email: tenant.email,
    organization: tenant.organization,
    limits: tenant.limits,
    tier: tenant.tier ?? "medium",
    allowPreemption: tenant.allowPreemption ?? true,
    canPreemptOthers: tenant.canPreemptOthers ?? false,
    fairShareWeight: tenant.fairShareWeight,
    gpuHoursBudget: tenant.gpuHoursBudget,
    budgetWindowDays: tenant.budgetWindowDays,
    minGpuUtilization: tenant.minGpuUtilization,
    gpuIdleWindowMinutes: tenant.gpuIdleWindowMinutes,
    active: true,
    createdAt: at,
  });
  return { tenantId: id };
}

/**
 * Changes a tenant's fields. A lower limit takes nothing away from jobs that run; a changed tier counts for jobs submitted
 * from then on.
 */
export function onUpdateTenant(state: State, input: InputOf<"update-tenant">, out: Output): Answers["update-tenant"] {
  const { change } = input;
  const before = state.tenants.get(input.tenantId);
  if (!before) throw new RequestError("not_found", "Tenant not found");
  const limits: { -readonly [limit in keyof Limits]: Limits[limit] } = { ...before.limits };
  for (const name of Object.keys(change.limits) as (keyof Limits)[]) {
    const limit = change.limits[name];
    if (limit === null) delete limits[name];
    else if (limit !== undefined) limits[name] = limit;
  }
  save(state, out, {
    ...before,
    name: change.name ?? before.name,
    email: changed(change.email, before.email),
    organization: changed(change.organization, before.organization),
    limits,
    tier: change.tier ?? before.tier,
    allowPreemption: change.allowPreemption ?? before.allowPreemption,
    canPreemptOthers: change.canPreemptOthers ?? before.canPreemptOthers,
    fairShareWeight: changed(change.fairShareWeight, before.fairShareWeight),
    gpuHoursBudget: changed(change.gpuHoursBudget, before.gpuHoursBudget),
    budgetWindowDays: changed(change.budgetWindowDays, before.budgetWindowDays),
    minGpuUtilization: changed(change.minGpuUtilization, before.minGpuUtilization),
    gpuIdleWindowMinutes: changed(change.gpuIdleWindowMinutes, before.gpuIdleWindowMinutes),
    active: change.active ?? before.active,
  });
  return { tenantId: before.id };
}

/** Null takes the value away, undefined leaves it. */
function changed<T>(change: T | null | undefined, before: T | undefined): T | undefined {
  return change === null ? undefined : (change ?? before);
}

function save(state: State, out: Output, tenant: Tenant): void {
  state.tenants.set(tenant.id, tenant);
  state.scheduling.yielding.clear();
  state.scheduling.tenantsVersion += 1;
  state.grow();
  out.write({ table: "tenant", key: tenant.id, value: tenant });
}
