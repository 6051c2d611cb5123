import type { TenantId } from "../../base/ids.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../base/time.ts";
import type { Job, JobIn, JobSpec, RuntimePlan } from "./model/job.ts";
import type { State } from "./model/state.ts";
import { DEFAULT_BUDGET_WINDOW_DAYS } from "./model/tenant.ts";
import { gpusOf } from "./model/job.ts";

/** A job that would go over its tenant's GPU-hours. */
export interface BudgetBlock {
  readonly spentHours: number;
  /** What running jobs are expected to use in all. */
  readonly committedHours: number;
  /** What those are expected to use that others have been stopped for. */
  readonly claimedHours: number;
  readonly wantedHours: number;
  readonly budgetHours: number;
  /** When enough will have left the window; undefined when that cannot be told. */
  readonly until: number | undefined;
}

/** With which limit the job would not go over its tenant's budget, in whole minutes; undefined where that bounds nothing. */
export function affordableMinutes(state: State, job: Job, at: number): number | undefined {
  // Nothing is affordable to a job that runs for ever: what is said of it is what is left.
  const block = budgetBlock(state, job, { ms: Number.POSITIVE_INFINITY, basis: "guess" }, at);
  if (!block) return undefined;
  const left = block.budgetHours - block.spentHours - block.committedHours - block.claimedHours;
  return Math.floor((left * HOUR_MS) / MINUTE_MS / gpusOf(state.spec(job.id)));
}

/** Whether the job would use more than is left of its tenant's budget if it ran for as long as it is expected to. */
export function budgetBlock(state: State, job: Job, plan: RuntimePlan, at: number): BudgetBlock | undefined {
  const tenant = state.tenant(job.tenantId);
  const spec = state.spec(job.id);
  const { gpuHoursBudget: budgetHours, budgetWindowDays = DEFAULT_BUDGET_WINDOW_DAYS } = tenant;
  if (budgetHours === undefined || spec.gpuCount === 0) return undefined;
  const windowMs = budgetWindowDays * DAY_MS;
  const spent = state.use.spentSince(tenant.id, windowMs, at);
  const committed = state.use.committed(tenant.id);
  const claimed = claimedGpuMs(state, job);
  const wanted = plan.ms * gpusOf(spec);
  const over = spent + committed + claimed + wanted - budgetHours * HOUR_MS;
  if (over <= 0) return undefined;
  return {
    spentHours: spent / HOUR_MS,
    committedHours: committed / HOUR_MS,
    claimedHours: claimed / HOUR_MS,
    wantedHours: wanted / HOUR_MS,
    budgetHours,
    until: state.use.freedAt(tenant.id, windowMs, over, at),
  };
}

/**
 * As {@link budgetBlock}, also saying until when where that depends on jobs that run, if they end when they are expected to. It looks
 * at all that run: not to be asked in a pass.
 *
 * @param expectedEnd when a running job is expected to end
 */
export function budgetBlockAhead(
  state: State,
  job: Job,
  plan: RuntimePlan,
  at: number,
  expectedEnd: (job: Job, at: number) => number,
): BudgetBlock | undefined {
  const block = budgetBlock(state, job, plan, at);
  if (!block || block.until !== undefined || block.committedHours === 0) return block;
  const ahead: { readonly at: number; readonly gpuMs: number }[] = [];
  for (const id of new Set(state.cluster.nodes.flatMap((node) => [...node.jobs.keys()]))) {
    const other = state.job(id);
    // Of a job of which nothing is known nobody can say when it ends.
    if (other.tenantId !== job.tenantId || !other.plan || other.plan.basis === "guess") continue;
    const endAt = expectedEnd(other, at);
    ahead.push({ at: endAt, gpuMs: heldGpuMs(state.spec(id), other, endAt) });
  }
  ahead.sort((a, b) => a.at - b.at);
  const { budgetWindowDays = DEFAULT_BUDGET_WINDOW_DAYS } = state.tenant(job.tenantId);
  const { spentHours, committedHours, claimedHours, wantedHours, budgetHours } = block;
  const over = Math.floor((spentHours + committedHours + claimedHours + wantedHours - budgetHours) * HOUR_MS);
  return { ...block, until: state.use.freedAt(job.tenantId, budgetWindowDays * DAY_MS, over, at, ahead) };
}

/**
 * What other jobs of the tenant are expected to use for which room is kept while others leave it. So no job takes the
 * GPU-hours for which victims were stopped.
 */
function claimedGpuMs(state: State, { id: except, tenantId }: Job): number {
  let sum = 0;
  for (const id of state.claims.keys()) {
    const job = state.job(id);
    if (id === except || job.tenantId !== tenantId || job.phase !== "queued") continue;
    sum += state.planOf(state.groupOf(job)).ms * gpusOf(state.spec(id));
  }
  return sum;
}

/** A job has been placed: what it is expected to use is charged. */
export function chargePlaced(state: State, job: Job): void {
  if (job.placedAt !== undefined) state.use.charge(job.tenantId, chargedGpuMs(state, job), job.placedAt);
}

/** GPU-milliseconds that the newest attempt was expected to use when it was placed. */
function chargedGpuMs(state: State, { id, plan, placedAt }: Job): number {
  return plan === undefined || placedAt === undefined ? 0 : plan.ms * gpusOf(state.spec(id));
}

/** A job that has outrun its plan counts against its tenant's budget with what it is expected to use now. */
export function chargeOverrun(state: State, job: JobIn<"running">, endAt: number): void {
  const { plan, startedAt } = job;
  if (!plan || startedAt === undefined) return;
  const overMs = endAt - startedAt - plan.ms;
  state.use.outrun(job.tenantId, job.id, Math.max(0, overMs) * gpusOf(state.spec(job.id)));
}

/** Has the jobs of the tenant looked at again at that time, unless they are sooner. */
export function lookAgainAt(state: State, tenantId: TenantId, at: number): void {
  const { budgetLooks } = state.scheduling;
  if ((budgetLooks.get(tenantId) ?? Number.POSITIVE_INFINITY) <= at) return;
  budgetLooks.set(tenantId, at);
  state.deadlines.add({ at, kind: "budget", tenantId });
}

/** The time has come: some of what the tenant's jobs used counts no more. */
export function lookAtBudget(state: State, tenantId: TenantId): void {
  state.scheduling.budgetLooks.delete(tenantId);
  state.grow();
}

/** The newest attempt is over: what it did use takes the place of what it was charged. */
export function settleEnded(state: State, job: Job, at: number): number {
  const gpuMs = heldGpuMs(state.spec(job.id), job, at);
  state.use.outrun(job.tenantId, job.id, 0);
  state.use.settle(job.tenantId, chargedGpuMs(state, job), gpuMs, job.placedAt ?? at, at);
  return gpuMs;
}

/** GPU-milliseconds that the newest attempt has held until then. */
export function heldGpuMs(spec: JobSpec, job: Job, at: number): number {
  return job.placedAt === undefined ? 0 : Math.max(0, at - job.placedAt) * gpusOf(spec);
}
