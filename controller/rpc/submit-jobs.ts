import { RequestError } from "../../base/errors.ts";
import { MAX_JOBS_PER_REQUEST } from "../../contract/job.ts";
import type { SubmitJobRequest__Output } from "../../proto/generated/gpusched/v1/SubmitJobRequest.ts";
import type { SubmitJobResult } from "../../proto/generated/gpusched/v1/SubmitJobResult.ts";
import type { Loop } from "../loop/loop.ts";
import { toSubmission } from "./translate/job-spec.ts";
import { fromRefusal, fromSubmitted } from "./translate/submit.ts";

const MAX_SUBMISSIONS = 1_000;

/**
 * Gives all submissions to the loop at once, so that they share its batches and their one write; the answers keep the
 * order. What is not a refusal fails the whole call: then nobody can say which of them came through.
 */
export async function submitJobs(
  loop: Loop,
  requests: readonly SubmitJobRequest__Output[],
): Promise<readonly SubmitJobResult[]> {
  checkSize(requests);
  return Promise.all(requests.map((request) => submitOne(loop, request)));
}

function checkSize(requests: readonly SubmitJobRequest__Output[]): void {
  const total = requests.reduce((sum, { array_count: count = 1 }) => sum + Math.max(1, count), 0);
  if (requests.length > MAX_SUBMISSIONS) throw refuse(`must have at most ${MAX_SUBMISSIONS} jobs`);
  if (total > MAX_JOBS_PER_REQUEST) throw refuse(`must come to at most ${MAX_JOBS_PER_REQUEST} jobs, arrays included`);
}

function refuse(message: string): RequestError {
  return new RequestError("invalid", `Invalid request: jobs ${message}`, { fields: [{ field: "jobs", message }] });
}

async function submitOne(loop: Loop, request: SubmitJobRequest__Output): Promise<SubmitJobResult> {
  try {
    return { submitted: fromSubmitted(await loop.submit({ kind: "submit-job", ...toSubmission(request) })) };
  } catch (error) {
    if (!(error instanceof RequestError) || error.code === "unavailable" || error.code === "internal") throw error;
    return { refusal: fromRefusal(error) };
  }
}
