import { RequestError } from "../../base/errors.ts";
import { asJobId } from "../../base/ids.ts";
import { JOB_ID } from "../../contract/job.ts";
import { isLabelPair, MAX_LABELS } from "../../contract/query.ts";
import { TENANT_ID } from "../../contract/tenant.ts";
import { displayName } from "../../contract/text.ts";
import type { ListJobsRequest__Output } from "../../proto/generated/gpusched/v1/ListJobsRequest.ts";
import type { ListJobsResponse } from "../../proto/generated/gpusched/v1/ListJobsResponse.ts";
import { type Job, stateOf } from "../core/model/job.ts";
import type { State } from "../core/model/state.ts";
import { fromJobBriefly, toJobState } from "./translate/job.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000;

/** A page of the jobs that match, newest first, and how many match in all. Linear in the number of jobs. */
export function listJobs(state: State, request: ListJobsRequest__Output): ListJobsResponse {
  const limit = request.limit === 0 ? DEFAULT_LIMIT : request.limit;
  if (limit < 0 || limit > MAX_LIMIT) throw invalid("limit", `must be a whole number from 1 to ${MAX_LIMIT}`);
  if (request.offset < 0) throw invalid("offset", "must not be negative");
  checkFilters(request);
  const matches = matcher(state, request);
  const page: Job[] = [];
  let total = 0;
  for (const job of candidates(state, request).reverse()) {
    if (!matches(job)) continue;
    if (total >= request.offset && page.length < limit) page.push(job);
    total += 1;
  }
  return { jobs: page.map(fromJobBriefly), total };
}

/** What could match nothing, because no job can have it, is refused as it is over REST. Empty is any. */
function checkFilters({ tenant_id, name, node_name, labels, array_id }: ListJobsRequest__Output): void {
  if (tenant_id && !TENANT_ID.test(tenant_id)) throw invalid("tenant_id", "must be a tenant id such as tenant-123");
  if (array_id && !JOB_ID.test(array_id)) throw invalid("array_id", "must be an array's id such as job-17");
  for (const [field, text] of Object.entries({ name, node_name })) {
    const problem = text ? displayName().safeParse(text).error : undefined;
    if (problem) throw invalid(field, problem.issues[0]?.message ?? "is invalid");
  }
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  if (pairs.length > MAX_LABELS) throw invalid("labels", `must be at most ${MAX_LABELS}`);
  if (!pairs.every(isLabelPair)) throw invalid("labels", "must be labels that a job can have");
}

/** In the order in which they came, which is the order of their ids: a Map keeps it. */
function candidates(state: State, { array_id: arrayId }: ListJobsRequest__Output): Job[] {
  if (!arrayId) return [...state.jobs.values()];
  return (state.arrays.get(asJobId(arrayId)) ?? []).map((id) => state.job(id));
}

function matcher(state: State, request: ListJobsRequest__Output): (job: Job) => boolean {
  const states = new Set(
    request.states.map((name) => {
      const known = toJobState(name);
      if (!known) throw invalid("states", "must be known job states");
      return known;
    }),
  );
  const labels = Object.entries(request.labels);
  return (job) =>
    (!request.tenant_id || job.tenantId === request.tenant_id) &&
    (states.size === 0 || states.has(stateOf(job))) &&
    (!request.name || job.name === request.name) &&
    (!request.node_name || job.allocations.some((allocation) => allocation.node === request.node_name)) &&
    labels.every(([label, value]) => state.spec(job.id).labels?.[label] === value);
}

function invalid(field: string, message: string): RequestError {
  return new RequestError("invalid", `Invalid request: ${field} ${message}`, { fields: [{ field, message }] });
}
