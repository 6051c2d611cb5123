import { RequestError } from "../../base/errors.ts";
import type { JobId } from "../../base/ids.ts";
import type { Answers } from "./input.ts";
import { type Explanation, explain } from "./explain.ts";
import type { Job, JobSpec } from "./model/job.ts";
import { State } from "./model/state.ts";
import { Outlook } from "./outlook.ts";
import { Output } from "./output.ts";
import { queuePosition } from "./schedule/turn.ts";
import type { Slices } from "./slices.ts";
import { type Answer, step } from "./step.ts";

/** A submission that is only tried. */
export interface Trial {
  readonly spec: JobSpec;
  /** Of an array; the trial is about its first job. */
  readonly count?: number;
}

/** What would become of a submission. */
export type DryRun =
  | { readonly kind: "refused"; readonly refusal: RequestError }
  | {
      readonly kind: "accepted";
      /** As it would be after the first pass. */
      readonly job: Job;
      /** Undefined when there are too many jobs to tell. */
      readonly explanation: Explanation | undefined;
      /** 0 for a job that would not be queued. */
      readonly queuePosition: number;
      /** When it would start; undefined when that cannot be told. */
      readonly startsAt: number | undefined;
    };

/**
 * Submits on a copy and runs that ahead with the real scheduler; the state itself does not change. With too many jobs to
 * copy, only whether it would be accepted is told.
 */
export function* dryRun(state: State, trial: Trial, outlook: Outlook): Slices<DryRun> {
  const { at } = outlook;
  const needed = neededBy(state, trial.spec);
  const bare = new State(state.settings, at);
  if (outlook.isTooLarge) {
    takeJobs(bare, needed);
    takeTenant(state, bare, trial.spec);
  }
  const forecast = yield* outlook.another();
  const copy = forecast?.state ?? bare;
  takeJobs(copy, needed);
  const answer = step(copy, { kind: "submit-job", at, ...trial }, new Output());
  if (answer instanceof RequestError) return { kind: "refused", refusal: answer };
  const id = firstOf(answer);
  // One pass: whoever is ahead has had their turn, and room is kept for those who are blocked.
  forecast?.step();
  const job = copy.job(id);
  if (!forecast) return { kind: "accepted", job, explanation: undefined, queuePosition: 0, startsAt: undefined };
  const position = job.phase === "queued" ? queuePosition(copy, job, at) : 0;
  const explanation = yield* explain(copy, job, new Outlook(copy, at, outlook.maxWork));
  const startsAt = forecast.starts.get(id) ?? explanation.start.at;
  return { kind: "accepted", job, explanation, queuePosition: position, startsAt };
}

function firstOf(answer: Answer): JobId {
  const { jobId, jobIds } = answer as Answers["submit-job"];
  return jobIds?.[0] ?? jobId;
}

type Needed = readonly { readonly job: Job; readonly spec: JobSpec }[];

/** The jobs that it depends on: those that have ended are in no copy, but must be found there. */
function neededBy(state: State, { dependsOn = [] }: JobSpec): Needed {
  return dependsOn
    .flatMap((other) => state.arrays.get(other) ?? [other])
    .flatMap((id) => state.jobs.get(id) ?? [])
    .map((job) => ({ job, spec: state.spec(job.id) }));
}

/** Of those that have not ended it is enough that they are there. */
function takeJobs(copy: State, needed: Needed): void {
  for (const { job, spec } of needed) {
    if (copy.jobs.has(job.id)) continue;
    copy.specs.set(job.array?.id ?? job.id, spec);
    const hold = { kind: "dependencies", on: [] } as const;
    copy.putJob(job.phase === "finished" ? job : { ...job, phase: "held", hold, allocations: [] });
  }
}

function takeTenant(state: State, copy: State, { tenantId }: JobSpec): void {
  const tenant = state.tenants.get(tenantId);
  if (!tenant) return;
  copy.tenants.set(tenantId, tenant);
  copy.usage.set(tenantId, { ...state.usageOf(tenantId) });
}
