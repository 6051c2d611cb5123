import { asTenantId, type JobId } from "../../base/ids.ts";
import type { Input, InputOf, Unstamped } from "../core/input.ts";
import type { ReplayJob, ReplayTenant } from "./workload.ts";

/** The input that makes a tenant, or makes it what it is from now on. */
export function tenantInput(tenant: ReplayTenant, isKnown: boolean): Unstamped<Input> {
  const { id, limits = {}, active: _, ...fields } = tenant;
  const tenantId = asTenantId(id);
  if (!isKnown) return { kind: "create-tenant", id: tenantId, tenant: { name: id, limits, ...fields } };
  const { tier = "medium", allowPreemption = true, canPreemptOthers = false, active = true } = tenant;
  const { fairShareWeight = null, gpuHoursBudget = null, budgetWindowDays = null } = tenant;
  const none = {
    gpus: null,
    gpuMemoryMb: null,
    cpuCores: null,
    memoryMb: null,
    concurrentJobs: null,
    queuedJobs: null,
  };
  const change = { tier, allowPreemption, canPreemptOthers, active, fairShareWeight, gpuHoursBudget, budgetWindowDays };
  return { kind: "update-tenant", tenantId, change: { ...change, limits: { ...none, ...limits } } };
}

/** Jobs that are submitted with one request: an array, or one alone. */
export function* togetherSubmitted(jobs: readonly ReplayJob[]): Generator<readonly [ReplayJob, ...ReplayJob[]]> {
  for (let first = 0; first < jobs.length; ) {
    let last = first + 1;
    const [job] = jobs.slice(first, last);
    if (!job) return;
    while (job.array !== undefined && jobs[last]?.array === job.array) last += 1;
    yield [job, ...jobs.slice(first + 1, last)];
    first = last;
  }
}

/** The users' side: who they are, and the ids that their jobs were given, by the names they have in the trace. */
export class VirtualUsers {
  readonly #ids = new Map<string, JobId>();
  readonly #epochMs: number;

  /** @param epochMs when the replay starts on the core's clock */
  constructor(epochMs: number) {
    this.#epochMs = epochMs;
  }

  /** The request for a job or an array of so many. Who must have completed and was never taken is not waited for. */
  submission(job: ReplayJob, count: number): Unstamped<InputOf<"submit-job">> {
    const dependsOn = job.after?.flatMap((name) => this.#ids.get(name) ?? []) ?? [];
    const spec = {
      ...job.spec,
      tenantId: asTenantId(job.tenant),
      ...(job.notBeforeMs === undefined ? {} : { notBefore: this.#epochMs + job.notBeforeMs }),
      ...(dependsOn.length === 0 ? {} : { dependsOn }),
    };
    return job.array === undefined ? { kind: "submit-job", spec } : { kind: "submit-job", spec, count };
  }

  /** Undefined for what was not taken. */
  idOf(name: string): JobId | undefined {
    return this.#ids.get(name);
  }

  /** The job, or the array, of this name was taken under this id. */
  remember(name: string, id: JobId): void {
    this.#ids.set(name, id);
  }
}
