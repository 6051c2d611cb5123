import type { Request } from "express";
import { present } from "../../base/assert.ts";
import { RequestError } from "../../base/errors.ts";
import { batchRequestSchema } from "../../contract/batch.ts";
import { jobRequestSchema, MAX_JOBS_PER_REQUEST } from "../../contract/job.ts";
import { parseOrRefuse } from "../../contract/parse.ts";
import { noQuerySchema } from "../../contract/query.ts";
import type { SubmitJobRequest } from "../../proto/generated/gpusched/v1/SubmitJobRequest.ts";
import type { SubmitJobResult__Output } from "../../proto/generated/gpusched/v1/SubmitJobResult.ts";
import { sendJson } from "../answer.ts";
import { MAX_BATCH_BODY_BYTES, readJson } from "../body.ts";
import { scheduler } from "../controller-client.ts";
import { fromRefusal, toAnswer } from "../errors.ts";
import { type Handler, readQuery, type RouteContext } from "../route.ts";
import { toSubmitRequest, toSubmitted } from "../translate/job.ts";

/** 1,000 jobs with more than anyone needs in each. */
const MAX_BATCH_VALUES = 250_000;

/** `POST /jobs/batch`: each submission has its own answer, in order; the whole is 200. */
export function batchHandler({ client, intake }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    refuseIdempotencyKey(request);
    const body = await readJson(request, response, { maxBytes: MAX_BATCH_BODY_BYTES, maxValues: MAX_BATCH_VALUES });
    const { jobs } = parseOrRefuse(batchRequestSchema, body, "Invalid request body");
    const checked = jobs.map(check);
    const good = checked.flatMap((job) => (job.kind === "good" ? [job.request] : []));
    checkTotal(good);
    const call = () => intake.admit(() => client.call(scheduler.SubmitJobs, { jobs: good }));
    const { results } = good.length === 0 ? { results: [] } : await call();
    const answers = results.values();
    const inOrder = checked.map((job) => {
      return job.kind === "bad" ? toFailure(job.error) : toResult(present(answers.next().value, "a job's answer"));
    });
    sendJson(response, 200, { results: inOrder });
  };
}

/** Keys are not remembered: a client that relies on one would get its job twice. */
export function refuseIdempotencyKey(request: Request): void {
  if (request.headers["idempotency-key"] === undefined) return;
  throw new RequestError("invalid", "Idempotency-Key is not supported yet by this version");
}

type Checked =
  | { readonly kind: "good"; readonly request: SubmitJobRequest }
  | { readonly kind: "bad"; readonly error: RequestError };

function check(job: unknown): Checked {
  try {
    const request = parseOrRefuse(jobRequestSchema, job, "Invalid request body");
    return { kind: "good", request: toSubmitRequest(request) };
  } catch (error) {
    if (error instanceof RequestError) return { kind: "bad", error };
    throw error;
  }
}

function checkTotal(jobs: readonly SubmitJobRequest[]): void {
  const total = jobs.reduce((sum, { array_count: count = 1 }) => sum + count, 0);
  if (total <= MAX_JOBS_PER_REQUEST) return;
  const message = `must come to at most ${MAX_JOBS_PER_REQUEST} jobs, arrays included`;
  throw new RequestError("invalid", `Invalid request body: jobs ${message}`, { fields: [{ field: "jobs", message }] });
}

function toResult({ submitted, refusal }: SubmitJobResult__Output) {
  return refusal ? toFailure(fromRefusal(refusal)) : toSubmitted(present(submitted, "a job's answer"));
}

function toFailure(error: RequestError) {
  const { message, fields, status } = toAnswer(error);
  return { error: message, details: fields, status_code: status };
}
