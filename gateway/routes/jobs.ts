import type { Request } from "express";
import { present } from "../../base/assert.ts";
import { JOB_ID, jobRequestSchema } from "../../contract/job.ts";
import { parseOrRefuse } from "../../contract/parse.ts";
import { listJobsQuerySchema, noQuerySchema, submitQuerySchema } from "../../contract/query.ts";
import type { SubmitJobRequest } from "../../proto/generated/gpusched/v1/SubmitJobRequest.ts";
import { sendJson } from "../answer.ts";
import { MAX_JOB_BODY_BYTES, readJson } from "../body.ts";
import { scheduler } from "../controller-client.ts";
import { API_PREFIX, type Handler, pathName, readQuery, type Route, type RouteContext } from "../route.ts";
import { toDryRun, toExplanation, toRefusedDryRun } from "../translate/explanation.ts";
import { toJobItem, toJobStatus, toListJobsRequest, toSubmitRequest, toSubmitted } from "../translate/job.ts";
import { batchHandler, refuseIdempotencyKey } from "./batch.ts";
import { logsHandler } from "./logs.ts";

export function jobRoutes(context: RouteContext): Route[] {
  return [
    { path: "/jobs", methods: { GET: list(context), POST: submit(context) } },
    // Before the others: it looks like a job.
    { path: "/jobs/batch", methods: { POST: batchHandler(context) } },
    { path: "/jobs/:id", methods: { GET: get(context), DELETE: cancel(context) } },
    { path: "/jobs/:id/explain", methods: { GET: explain(context) } },
    { path: "/jobs/:id/checkpoint", methods: { POST: checkpoint(context) } },
    { path: "/jobs/:id/logs", methods: { GET: logsHandler(context, jobIdOf) } },
  ];
}

function submit(context: RouteContext): Handler {
  return async (request, response) => {
    const query = readQuery(request, submitQuerySchema);
    refuseIdempotencyKey(request);
    const body = await readJson(request, response, { maxBytes: MAX_JOB_BODY_BYTES });
    const job = toSubmitRequest(parseOrRefuse(jobRequestSchema, body, "Invalid request body"));
    if (query.dry_run) {
      sendJson(response, 200, await dryRun(context, job));
      return;
    }
    const submitted = await context.intake.admit(() => context.client.call(scheduler.SubmitJob, job));
    response.setHeader("Location", `${API_PREFIX}/jobs/${submitted.job_id}`);
    sendJson(response, 201, toSubmitted(submitted));
  };
}

async function dryRun({ client }: RouteContext, job: SubmitJobRequest) {
  const { refusal, explanation } = await client.call(scheduler.DryRunJob, job);
  return refusal ? toRefusedDryRun(refusal) : toDryRun(present(explanation, "the answer to a dry run"));
}

function list({ client }: RouteContext): Handler {
  return async (request, response) => {
    const query = readQuery(request, listJobsQuerySchema);
    const { jobs, total } = await client.call(scheduler.ListJobs, toListJobsRequest(query));
    sendJson(response, 200, { jobs: jobs.map(toJobItem), total });
  };
}

function get({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    sendJson(response, 200, toJobStatus(await client.call(scheduler.GetJob, { job_id: jobIdOf(request) })));
  };
}

function explain({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    sendJson(response, 200, toExplanation(await client.call(scheduler.ExplainJob, { job_id: jobIdOf(request) })));
  };
}

function checkpoint({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    await client.call(scheduler.CheckpointJob, { job_id: jobIdOf(request) });
    sendJson(response, 200, { message: "Checkpoint recorded" });
  };
}

function cancel({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    await client.call(scheduler.CancelJob, { job_id: jobIdOf(request) });
    sendJson(response, 200, { message: "Job cancelled successfully" });
  };
}

function jobIdOf(request: Request): string {
  return pathName(request, "id", JOB_ID, "Job not found");
}
