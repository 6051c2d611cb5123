import { DAY_MS, HOUR_MS } from "../../base/time.ts";
import type { Job, JobSpec, RuntimePlan } from "./model/job.ts";
import type { State } from "./model/state.ts";
import { DEFAULT_BUDGET_WINDOW_DAYS, type Tenant } from "./model/tenant.ts";
import { gpusOf } from "./model/job.ts";

/** A job that would go over its tenant's GPU-hours. */
export interface BudgetBlock {
  readonly spentHours: number;
  /** What running jobs are expected to use in all. */
  readonly committedHours: number;
  readonly wantedHours: number;
  readonly budgetHours: number;
  /** When enough will have left the window; undefined when that depends on what runs now. */
  readonly until: number | undefined;
}

/** Whether the job would use more than is left of its tenant's budget if it ran for as long as it is expected to. */
export function budgetBlock(state: State, tenant: Tenant, spec: JobSpec, plan: RuntimePlan, at: number) {
  const { gpuHoursBudget: budgetHours, budgetWindowDays = DEFAULT_BUDGET_WINDOW_DAYS } = tenant;
  if (budgetHours === undefined || spec.gpuCount === 0) return undefined;
  const windowMs = budgetWindowDays * DAY_MS;
  const spent = state.use.spentSince(tenant.id, windowMs, at);
  const committed = state.use.committed(tenant.id);
  const wanted = plan.ms * gpusOf(spec);
  const over = spent + committed + wanted - budgetHours * HOUR_MS;
  if (over <= 0) return undefined;
  const block: BudgetBlock = {
    spentHours: spent / HOUR_MS,
    committedHours: committed / HOUR_MS,
    wantedHours: wanted / HOUR_MS,
    budgetHours,
    until: state.use.freedAt(tenant.id, windowMs, over, at),
  };
  return block;
}

/** A job has been placed: what it is expected to use is charged. */
export function chargePlaced(state: State, job: Job): void {
  if (job.placedAt !== undefined) state.use.charge(job.tenantId, chargedGpuMs(state, job), job.placedAt);
}

/** GPU-milliseconds that the newest attempt was expected to use when it was placed. */
function chargedGpuMs(state: State, { id, plan, placedAt }: Job): number {
  return plan === undefined || placedAt === undefined ? 0 : plan.ms * gpusOf(state.spec(id));
}

/** The newest attempt is over: what it did use takes the place of what it was charged. */
export function settleEnded(state: State, job: Job, at: number): number {
  const gpuMs = heldGpuMs(state.spec(job.id), job, at);
  state.use.settle(job.tenantId, chargedGpuMs(state, job), gpuMs, job.placedAt ?? at, at);
  return gpuMs;
}

/** GPU-milliseconds that the newest attempt has held until then. */
export function heldGpuMs(spec: JobSpec, job: Job, at: number): number {
  return job.placedAt === undefined ? 0 : Math.max(0, at - job.placedAt) * gpusOf(spec);
}
