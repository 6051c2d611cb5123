import { RequestError } from "../../../base/errors.ts";
import type { Answers, InputOf } from "../input.ts";
import { TIER_PRIORITY } from "../model/tenant.ts";
import type { State } from "../model/state.ts";
import { type Output, saveJob } from "../output.ts";
import { quotaRefusal } from "../quota.ts";

/** Queues a job, unless its tenant may not have it or could never run it within its limits. */
export function onSubmitJob(state: State, input: InputOf<"submit-job">, out: Output): Answers["submit-job"] {
  const { spec, at } = input;
  const tenant = state.tenants.get(spec.tenantId);
  if (!tenant) throw new RequestError("not_found", "Tenant not found");
  if (!tenant.active) throw new RequestError("forbidden", "Tenant is not active");
  const refusal = quotaRefusal(tenant, state.usageOf(tenant.id), spec);
  if (refusal) throw new RequestError("forbidden", "Tenant quota exceeded", { fields: [refusal] });

  const id = state.newJobId(at);
  const tierPriority = TIER_PRIORITY[tenant.tier];
  const priority = spec.priority ?? tierPriority;
  state.specs.set(id, spec);
  out.write({ table: "spec", key: id, value: spec });
  saveJob(state, out, {
    id,
    tenantId: tenant.id,
    name: spec.name,
    priority,
    effectivePriority: Math.min(priority, tierPriority),
    gpuCount: spec.gpuCount,
    submittedAt: at,
    attempt: 0,
    retries: 0,
    startFailures: 0,
    history: [{ at, kind: "submitted", message: "submitted" }],
    phase: "queued",
    allocations: [],
  });
  return { jobId: id };
}
