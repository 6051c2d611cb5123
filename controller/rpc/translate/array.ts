/** An array as a whole on its way out: what its jobs come to. */
import type { JobId } from "../../../base/ids.ts";
import type { Job as JobMessage } from "../../../proto/generated/gpusched/v1/Job.ts";
import { type Job, type JobState, stateOf } from "../../core/model/job.ts";
import type { State } from "../../core/model/state.ts";
import { fromJobSpec, withoutSecrets } from "./job-spec.ts";
import { fromJobBriefly, STATES } from "./job.ts";

/** What an array is as long as any of its jobs is: the first of these that there is. */
const TELLING: readonly JobState[] = ["running", "preempted", "pending", "failed", "cancelled", "completed"];
const ENDED: ReadonlySet<JobState> = new Set(["failed", "cancelled", "completed"]);

/** The array in the form of a job. Linear in the number of its jobs. */
export function fromArray(state: State, id: JobId, members: readonly JobId[]): JobMessage | undefined {
  const jobs = members.map((member) => state.job(member));
  const [first] = jobs;
  if (!first) return undefined;
  const counts = countStates(jobs);
  const isOver = [...counts.keys()].every((name) => ENDED.has(name));
  const { array: _, ...brief } = fromJobBriefly(first);
  const started = jobs.flatMap((job) => job.startedAt ?? []);
  const ended = jobs.flatMap((job) => (job.phase === "finished" ? [job.finishedAt] : []));
  return {
    ...brief,
    id,
    state: STATES[TELLING.find((name) => counts.has(name)) ?? "pending"],
    phase: phaseOf(jobs),
    message: [...counts].map(([name, count]) => `${count} ${name}`).join(", "),
    gpu_count: first.gpuCount * jobs.length,
    attempt: 0,
    exit_code: undefined,
    signal: undefined,
    started_at_ms: earliest(started),
    finished_at_ms: isOver ? latest(ended) : undefined,
    queue_position: 0,
    estimated_wait_ms: undefined,
    spec: fromJobSpec(withoutSecrets(state.spec(first.id))),
    array_summary: {
      job_ids: [...members],
      counts: [...counts].map(([name, count]) => ({ state: STATES[name], count })),
    },
  };
}

/** How many jobs are in each state that any is in, in the order of {@link TELLING}. */
function countStates(jobs: readonly Job[]): ReadonlyMap<JobState, number> {
  const found = new Map<JobState, number>();
  for (const job of jobs) found.set(stateOf(job), (found.get(stateOf(job)) ?? 0) + 1);
  return new Map(TELLING.flatMap((name) => (found.has(name) ? [[name, found.get(name) ?? 0] as const] : [])));
}

function phaseOf(jobs: readonly Job[]): JobMessage["phase"] {
  const phases = new Set(jobs.map((job) => job.phase));
  for (const phase of ["running", "stopping", "starting", "queued", "held"] as const) {
    if (phases.has(phase)) return `JOB_PHASE_${phase.toUpperCase() as Uppercase<typeof phase>}`;
  }
  return "JOB_PHASE_FINISHED";
}

function earliest(times: readonly number[]): number | undefined {
  return times.reduce<number | undefined>((least, at) => (least === undefined || at < least ? at : least), undefined);
}

function latest(times: readonly number[]): number | undefined {
  return times.reduce<number | undefined>((most, at) => (most === undefined || at > most ? at : most), undefined);
}
