import type { TenantId } from "../../../base/ids.ts";
import { DAY_MS } from "../../../base/time.ts";
import type { Answers, InputOf } from "../input.ts";
import type { State } from "../model/state.ts";
import { MAX_BUDGET_WINDOW_DAYS } from "../model/tenant.ts";
import type { Output } from "../output.ts";
import { jobsOf } from "../retention.ts";

/**
 * Takes jobs and arrays out that are over and in the archive. Those on which a job depends since they were chosen stay. What they
 * used stays on their tenants' account, by the day.
 */
export function onForgetJobs(state: State, { ids }: InputOf<"forget-jobs">, out: Output): Answers["forget-jobs"] {
  const spent = new Map<TenantId, Map<number, number>>();
  let jobs = 0;
  for (const id of ids) {
    if (!state.past.has(id) || state.dependents.isNeeded(id)) continue;
    for (const job of jobsOf(state, id)) {
      if (job.phase === "finished") note(spent, job.tenantId, job.finishedAt, job.spentGpuMs ?? 0);
      out.write({ table: "job", key: job.id, value: null });
      jobs += 1;
    }
    out.write({ table: "spec", key: id, value: null });
    state.forget(id);
  }
  for (const [tenantId, days] of spent) account(state, out, tenantId, days);
  return { jobs };
}

function note(spent: Map<TenantId, Map<number, number>>, tenantId: TenantId, at: number, gpuMs: number): void {
  if (gpuMs === 0) return;
  const days = spent.get(tenantId) ?? new Map<number, number>();
  const day = Math.floor(at / DAY_MS);
  spent.set(tenantId, days.set(day, (days.get(day) ?? 0) + gpuMs));
}

/** What is older than any budget's window is dropped. */
function account(state: State, out: Output, tenantId: TenantId, days: ReadonlyMap<number, number>): void {
  const tenant = state.tenant(tenantId);
  const all = new Map(tenant.forgotten ?? []);
  for (const [day, gpuMs] of days) all.set(day, (all.get(day) ?? 0) + gpuMs);
  const newest = Math.max(...all.keys());
  const forgotten = [...all].filter(([day]) => day > newest - MAX_BUDGET_WINDOW_DAYS - 1).sort(([a], [b]) => a - b);
  const value = { ...tenant, forgotten };
  state.tenants.set(tenantId, value);
  out.write({ table: "tenant", key: tenantId, value });
}
