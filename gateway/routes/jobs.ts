import type { Request } from "express";
import { RequestError } from "../../base/errors.ts";
import { jobRequestSchema } from "../../contract/job.ts";
import { NOT_YET_JOB_FIELDS, NOT_YET_SUBMIT_PARAMETERS } from "../../contract/not-yet.ts";
import { parseOrRefuse } from "../../contract/parse.ts";
import { listJobsQuerySchema, noQuerySchema } from "../../contract/query.ts";
import { sendJson } from "../answer.ts";
import { MAX_JOB_BODY_BYTES, readJson } from "../body.ts";
import { scheduler } from "../controller-client.ts";
import { API_PREFIX, type Handler, pathName, readQuery, type Route, type RouteContext } from "../route.ts";
import { toJobItem, toJobSpec, toJobStatus, toListJobsRequest } from "../translate.ts";
import { logsHandler } from "./logs.ts";

export function jobRoutes(context: RouteContext): Route[] {
  return [
    { path: "/jobs", methods: { GET: list(context), POST: submit(context) } },
    { path: "/jobs/:id", methods: { GET: get(context), DELETE: cancel(context) } },
    { path: "/jobs/:id/logs", methods: { GET: logsHandler(context, jobIdOf) } },
  ];
}

function submit({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema, NOT_YET_SUBMIT_PARAMETERS);
    if (request.headers["idempotency-key"] !== undefined) {
      throw new RequestError("invalid", "Idempotency-Key is not supported yet by this version");
    }
    const body = await readJson(request, response, MAX_JOB_BODY_BYTES);
    const job = parseOrRefuse(jobRequestSchema, body, "Invalid request body", NOT_YET_JOB_FIELDS);
    const { job_id } = await client.call(scheduler.SubmitJob, { spec: toJobSpec(job) });
    response.setHeader("Location", `${API_PREFIX}/jobs/${job_id}`);
    sendJson(response, 201, { job_id, status: "submitted", message: "Job submitted successfully" });
  };
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

function cancel({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    await client.call(scheduler.CancelJob, { job_id: jobIdOf(request) });
    sendJson(response, 200, { message: "Job cancelled successfully" });
  };
}

function jobIdOf(request: Request): string {
  return pathName(request, "id", /^job-\d{1,19}$/, "Job not found");
}
