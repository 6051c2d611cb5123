import { RequestError } from "../../../base/errors.ts";
import type { Answers, InputOf } from "../input.ts";
import type { Job } from "../model/job.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";
import { finish, stopJob } from "../transition.ts";

const CANCELLED = { kind: "cancelled", message: "cancelled by request" } as const;

/**
 * Cancels a job: out of the queue at once, or stopped where it runs. Cancelling a cancelled job changes nothing. An array's id
 * cancels all of its jobs that have not ended.
 */
export function onCancelJob(state: State, input: InputOf<"cancel-job">, out: Output): Answers["cancel-job"] {
  const members = state.arrays.get(input.jobId);
  for (const id of members ?? [input.jobId]) {
    const job = state.jobs.get(id);
    if (!job) throw new RequestError("not_found", "Job not found");
    if (members && job.phase === "finished") continue;
    cancel(state, out, job, input.at);
  }
  return { jobId: input.jobId };
}

function cancel(state: State, out: Output, job: Job, at: number): void {
  switch (job.phase) {
    case "queued":
      // What was kept for it is free for others now.
      if (state.scheduling.reservations.some(({ jobId }) => jobId === job.id)) state.grow();
      finish(state, out, job, CANCELLED, at);
      return;
    case "held":
      finish(state, out, job, CANCELLED, at);
      return;
    case "starting":
    case "running":
      stopJob(state, out, job, CANCELLED, at);
      return;
    case "stopping":
      if (job.verdict.kind !== "cancelled") stopJob(state, out, job, CANCELLED, at);
      return;
    case "finished":
      if (job.outcome.kind !== "cancelled") throw new RequestError("conflict", `Job already ${job.outcome.kind}`);
  }
}
