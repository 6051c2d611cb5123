/** Jobs, REST in, proto out, and back. Fields of answers stand in the documented order. */
import { formatDuration, formatTimestamp } from "../../base/time.ts";
import type { JobRequest } from "../../contract/job.ts";
import type { ListJobsQuery, LogsQuery } from "../../contract/query.ts";
import type { Allocation__Output } from "../../proto/generated/gpusched/v1/Allocation.ts";
import type { ArraySummary__Output } from "../../proto/generated/gpusched/v1/ArraySummary.ts";
import type { Job__Output } from "../../proto/generated/gpusched/v1/Job.ts";
import type { JobSpec__Output } from "../../proto/generated/gpusched/v1/JobSpec.ts";
import type { JobState } from "../../proto/generated/gpusched/v1/JobState.ts";
import type { ListJobsRequest } from "../../proto/generated/gpusched/v1/ListJobsRequest.ts";
import type { RuntimePrediction__Output } from "../../proto/generated/gpusched/v1/RuntimePrediction.ts";
import type { StreamLogsRequest } from "../../proto/generated/gpusched/v1/StreamLogsRequest.ts";
import type { SubmitJobRequest } from "../../proto/generated/gpusched/v1/SubmitJobRequest.ts";
import type { SubmitJobResponse__Output } from "../../proto/generated/gpusched/v1/SubmitJobResponse.ts";
import { mayWait, timestamp, word } from "./words.ts";

const STATE_TO_PROTO = {
  pending: "JOB_STATE_PENDING",
  running: "JOB_STATE_RUNNING",
  completed: "JOB_STATE_COMPLETED",
  failed: "JOB_STATE_FAILED",
  preempted: "JOB_STATE_PREEMPTED",
  cancelled: "JOB_STATE_CANCELLED",
} as const satisfies Record<string, JobState>;

const STREAM_TO_PROTO = { stdout: "LOG_STREAM_STDOUT", stderr: "LOG_STREAM_STDERR" } as const;

export function toSubmitRequest(request: JobRequest): SubmitJobRequest {
  const { array, not_before, ...spec } = request;
  return {
    spec: { ...spec, ...(not_before !== undefined && { not_before_ms: not_before }) },
    ...(array && { array_count: array.count }),
  };
}

/** The answer of `POST /jobs`. */
export function toSubmitted({ job_id, job_ids }: SubmitJobResponse__Output) {
  const message =
    job_ids.length > 0 ? `Array of ${job_ids.length} jobs submitted successfully` : "Job submitted successfully";
  return { job_id, status: "submitted", message, ...(job_ids.length > 0 && { job_ids }) };
}

export function toListJobsRequest(query: ListJobsQuery): ListJobsRequest {
  const pairs = (query.label ?? []).map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return {
    tenant_id: query.tenant_id ?? "",
    states: (query.state ?? []).map((state) => STATE_TO_PROTO[state]),
    name: query.name ?? "",
    node_name: query.node ?? "",
    labels: Object.fromEntries(pairs),
    limit: query.limit,
    offset: query.offset,
    array_id: query.array ?? "",
  };
}

export function toStreamLogsRequest(jobId: string, query: LogsQuery): StreamLogsRequest {
  return {
    job_id: jobId,
    follow: query.follow,
    rank: query.rank,
    stream: query.stream ? STREAM_TO_PROTO[query.stream] : "LOG_STREAM_UNSPECIFIED",
    ...(query.tail !== undefined && { tail_lines: query.tail }),
  };
}

/** An item of `GET /jobs`: exactly the documented fields. */
export function toJobItem(job: Job__Output) {
  return {
    id: job.id,
    tenant_id: job.tenant_id,
    name: job.name,
    state: word("JOB_STATE", job.state),
    priority: job.priority,
    gpu_count: job.gpu_count,
    submitted_at: formatTimestamp(job.submitted_at_ms),
    started_at: timestamp(job.started_at_ms),
  };
}

/** `GET /jobs/{id}`: the documented fields first, then all that is known. `node_name` is the first rank's. */
export function toJobStatus(job: Job__Output) {
  const { state, ...item } = toJobItem(job);
  return {
    job_id: job.id,
    state,
    message: job.message,
    allocated_gpus: job.allocations.flatMap((allocation) => allocation.gpu_ids),
    node_name: job.allocations.find((allocation) => allocation.rank === 0)?.node_name ?? "",
    queue_position: job.queue_position,
    estimated_wait: estimatedWait(job),
    ...item,
    ...(job.array_summary && toArraySummary(job.array_summary)),
    effective_priority: job.effective_priority,
    attempt: job.attempt,
    phase: word("JOB_PHASE", job.phase),
    exit_code: job.exit_code ?? null,
    signal: job.signal ?? null,
    finished_at: timestamp(job.finished_at_ms),
    array: job.array && { id: job.array.id, index: job.array.index },
    eligible_at: timestamp(job.eligible_at_ms),
    predicted_runtime: job.predicted_runtime && toPrediction(job.predicted_runtime),
    checkpoint_at: timestamp(job.checkpoint_at_ms),
    allocations: job.allocations.map(toAllocation),
    history: job.history.map(({ at_ms, kind, message }) => ({ at: formatTimestamp(at_ms), kind, message })),
    spec: job.spec && toSpecAsSubmitted(job.spec),
  };
}

function estimatedWait(job: Job__Output): string {
  if (job.estimated_wait_ms !== undefined) return formatDuration(job.estimated_wait_ms);
  return mayWait(job.phase) ? "unknown" : "0s";
}

/** What an array has beside what a job has. */
function toArraySummary({ job_ids, counts }: ArraySummary__Output) {
  return {
    job_ids,
    counts: Object.fromEntries(
      Object.entries(STATE_TO_PROTO).map(([name, state]) => [
        name,
        counts.find((entry) => entry.state === state)?.count ?? 0,
      ]),
    ),
  };
}

function toPrediction({ ms, basis, samples }: RuntimePrediction__Output) {
  return { seconds: Math.round(ms / 1_000), basis, samples: samples ?? null };
}

function toAllocation(allocation: Allocation__Output) {
  return {
    rank: allocation.rank,
    node_name: allocation.node_name,
    gpus: allocation.gpu_ids,
    cpu_cores: allocation.cpu_cores,
    memory_mb: allocation.memory_mb,
    ...(allocation.gpu_milli !== undefined && {
      gpu_milli: allocation.gpu_milli,
      gpu_sharing: allocation.gpu_sharing,
    }),
    phase: word("ALLOCATION_PHASE", allocation.phase),
    exit_code: allocation.exit_code ?? null,
    signal: allocation.signal ?? null,
    message: allocation.message,
  };
}

/** The fields that were given, under their names in `POST /jobs`. Empty lists and maps cannot be told from missing ones. */
function toSpecAsSubmitted({ not_before_ms, ...spec }: JobSpec__Output): Record<string, unknown> {
  const volumes = spec.volumes.map(({ source, target, read_only }) => ({ source, target, read_only }));
  const all = { ...spec, volumes, ...(not_before_ms !== undefined && { not_before: formatTimestamp(not_before_ms) }) };
  const given = Object.entries(all).filter(([name, value]) => !name.startsWith("_") && !isEmpty(value));
  return Object.fromEntries(given);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
}
