import { RequestError } from "../../../base/errors.ts";
import type { Answers, InputOf } from "../input.ts";
import type { JobIn } from "../model/job.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";
import { note } from "../transition.ts";

/** The least time between two checkpoints that are written down: more often they say nothing new. */
const MIN_INTERVAL_MS = 10_000;

/** A running job says that what it has done is safe: from now on stopping it costs only what comes after. */
export function onCheckpoint(state: State, input: InputOf<"checkpoint">, out: Output): Answers["checkpoint"] {
  const { seen, at } = input;
  const job = state.jobs.get(input.jobId);
  if (!job) throw new RequestError("not_found", "Job not found");
  if (job.phase !== "running") throw new RequestError("conflict", "Job is not running");
  if (seen && !isOf(job, seen)) throw new RequestError("conflict", "This attempt does not run there");
  // An agent's clock may be wrong: its time is taken only as far as the job ran then.
  const checkpointAt = seen ? Math.min(at, Math.max(seen.at, job.startedAt ?? at)) : at;
  if (job.checkpointAt !== undefined && checkpointAt - job.checkpointAt < MIN_INTERVAL_MS) return { jobId: job.id };
  note(state, out, { ...job, checkpointAt }, "checkpoint", "the job reported a checkpoint", at);
  return { jobId: job.id };
}

function isOf(job: JobIn<"running">, { key, node }: NonNullable<InputOf<"checkpoint">["seen"]>): boolean {
  return job.attempt === key.attempt && job.allocations[key.rank]?.node === node;
}
