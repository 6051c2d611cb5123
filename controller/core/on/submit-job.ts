import { RequestError } from "../../../base/errors.ts";
import type { JobId } from "../../../base/ids.ts";
import type { Answers, InputOf } from "../input.ts";
import type { ArrayMembership, JobSpec } from "../model/job.ts";
import { type Tenant, TIER_PRIORITY } from "../model/tenant.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";
import { quotaRefusals } from "../quota.ts";
import { countDemand } from "../schedule/demand-mix.ts";
import { enter, finish } from "../transition.ts";

/** Queues a job, or an array of them, unless its tenant may not have it or could never run it within its limits. */
export function onSubmitJob(state: State, input: InputOf<"submit-job">, out: Output): Answers["submit-job"] {
  const { spec, at, count } = input;
  const tenant = acceptedTenant(state, spec, count ?? 1);
  const waitsFor = unfinishedDependencies(state, spec);
  const id = state.ids.newJob(at);
  state.specs.set(id, spec);
  out.write({ table: "spec", key: id, value: spec });
  countDemand(state.scheduling.mix, state.kinds.of(spec), count ?? 1);
  if (count === undefined) {
    add(state, out, { id, tenant, spec, waitsFor, at });
    return { jobId: id };
  }
  const jobIds: JobId[] = [];
  for (let index = 0; index < count; index += 1) {
    const jobId = state.ids.newJob(at);
    jobIds.push(jobId);
    add(state, out, { id: jobId, tenant, spec, waitsFor, at, array: { id, index } });
  }
  return { jobId: id, jobIds };
}

function acceptedTenant(state: State, spec: JobSpec, count: number): Tenant {
  const tenant = state.tenants.get(spec.tenantId);
  if (!tenant) throw new RequestError("not_found", "Tenant not found");
  if (!tenant.active) throw new RequestError("forbidden", "Tenant is not active");
  const fields = quotaRefusals(tenant, state.usageOf(tenant.id), spec, count);
  if (fields.length > 0) throw new RequestError("forbidden", "Tenant quota exceeded", { fields });
  return tenant;
}

/** The jobs and arrays that a job still has to wait for; the name of one that has ended otherwise than completed. */
interface Dependencies {
  readonly on: readonly JobId[];
  readonly failed: { readonly id: JobId; readonly how: string } | undefined;
}

const INDEPENDENT: Dependencies = { on: [], failed: undefined };

function unfinishedDependencies(state: State, { dependsOn, tenantId }: JobSpec): Dependencies {
  if (!dependsOn) return INDEPENDENT;
  const on: JobId[] = [];
  let failed: Dependencies["failed"];
  for (const [index, id] of dependsOn.entries()) {
    const members = state.arrays.get(id);
    // All jobs of an array are of one tenant; a copy of a state knows only of those that are not over.
    const job = state.jobs.get(members?.find((member) => member !== undefined) ?? id);
    // Another tenant's job is answered as one that does not exist.
    if (job?.tenantId !== tenantId) {
      const field = { field: `depends_on[${index}]`, message: `${id} is not a job of this tenant` };
      throw new RequestError("invalid", `Invalid request: ${field.field} ${field.message}`, { fields: [field] });
    }
    const isOver = members ? state.dependents.progressOf(id).outstanding === 0 : job.phase === "finished";
    if (!isOver) on.push(id);
    failed ??= failureAmong(state, id, members);
  }
  return { on, failed };
}

/** The job, or the first of the array, that has ended otherwise than completed. */
function failureAmong(state: State, id: JobId, members: readonly JobId[] | undefined): Dependencies["failed"] {
  if (members && state.dependents.progressOf(id).failed === 0) return undefined;
  for (const member of members ?? [id]) {
    const job = state.jobs.get(member);
    if (job?.phase === "finished" && job.outcome.kind !== "completed") return { id: member, how: job.outcome.kind };
  }
  return undefined;
}

interface NewJob {
  readonly id: JobId;
  readonly tenant: Tenant;
  readonly spec: JobSpec;
  readonly waitsFor: Dependencies;
  readonly at: number;
  readonly array?: ArrayMembership;
}

function add(state: State, out: Output, { id, tenant, spec, waitsFor, at, array }: NewJob): void {
  const tierPriority = TIER_PRIORITY[tenant.tier];
  const priority = spec.priority ?? tierPriority;
  const fields = {
    id,
    tenantId: tenant.id,
    name: spec.name,
    priority,
    effectivePriority: Math.min(priority, tierPriority),
    gpuCount: spec.gpuCount,
    submittedAt: at,
    eligibleAt: undefined,
    array,
    attempt: 0,
    retries: 0,
    startFailures: 0,
    deviceLosses: undefined,
    startedAt: undefined,
    plan: undefined,
    placedAt: undefined,
    isPreempted: undefined,
    preemptedMs: undefined,
    spentGpuMs: undefined,
    checkpointAt: undefined,
    lastNodes: undefined,
    history: [{ at, kind: "submitted", message: "submitted" }],
  } as const;
  enter(state, out, fields, waitsFor.on, at);
  const { failed } = waitsFor;
  if (!failed) return;
  const message = `depends on ${failed.id}, which was not completed: ${failed.how}`;
  finish(state, out, state.job(id), { kind: "failed", message }, at);
}
