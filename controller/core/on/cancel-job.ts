import { RequestError } from "../../../base/errors.ts";
import type { Answers, InputOf } from "../input.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";
import { finish, stopJob } from "../transition.ts";

const CANCELLED = { kind: "cancelled", message: "cancelled by request" } as const;

/** Cancels a job: out of the queue at once, or stopped where it runs. Cancelling a cancelled job changes nothing. */
export function onCancelJob(state: State, input: InputOf<"cancel-job">, out: Output): Answers["cancel-job"] {
  const job = state.jobs.get(input.jobId);
  if (!job) throw new RequestError("not_found", "Job not found");
  switch (job.phase) {
    case "queued":
    case "held":
      finish(state, out, job, CANCELLED, input.at);
      break;
    case "starting":
    case "running":
      stopJob(state, out, job, CANCELLED, input.at);
      break;
    case "stopping":
      if (job.verdict.kind !== "cancelled") stopJob(state, out, job, CANCELLED, input.at);
      break;
    case "finished":
      if (job.outcome.kind !== "cancelled") throw new RequestError("conflict", `Job already ${job.outcome.kind}`);
  }
  return { jobId: job.id };
}
