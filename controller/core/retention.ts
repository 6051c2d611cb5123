/** For how long jobs that are over stay listed, and which are next to go. */
import type { JobId } from "../../base/ids.ts";
import type { Job } from "./model/job.ts";
import type { State } from "./model/state.ts";

/** Whichever of the two is reached first. */
export interface Retention {
  /** After its end, in milliseconds. */
  readonly keepMs: number;
  /** Of jobs that are over. */
  readonly keepJobs: number;
}

/**
 * The jobs and arrays that have been over for long enough, those that ended first in front, until they hold so many jobs: at
 * least one if there is one. Looks at no others, but for those that have to stay because of a job that depends on them.
 */
export function duePastJobs(state: State, { keepMs, keepJobs }: Retention, limit: number, at: number): JobId[] {
  const due: JobId[] = [];
  let excess = state.past.count - keepJobs;
  let taken = 0;
  for (const [id, { endedAt, jobs }] of state.past) {
    if ((excess <= 0 && endedAt > at - keepMs) || taken >= limit) break;
    if (state.dependents.isNeeded(id)) continue;
    due.push(id);
    taken += jobs;
    excess -= jobs;
  }
  return due;
}

/** The job, or those of the array. */
export function jobsOf(state: State, id: JobId): Job[] {
  return (state.arrays.get(id) ?? [id]).map((member) => state.job(member));
}
