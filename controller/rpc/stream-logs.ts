import { RequestError } from "../../base/errors.ts";
import { type AllocationKey, asJobId, type NodeName } from "../../base/ids.ts";
import type { LogStream__Output } from "../../proto/generated/gpusched/v1/LogStream.ts";
import type { StreamLogsRequest__Output } from "../../proto/generated/gpusched/v1/StreamLogsRequest.ts";
import type { State } from "../core/model/state.ts";
import type { Loop } from "../loop/loop.ts";
import type { LogRelay } from "./log-relay.ts";

const STREAMS: readonly LogStream__Output[] = ["LOG_STREAM_UNSPECIFIED", "LOG_STREAM_STDOUT", "LOG_STREAM_STDERR"];

/** Where output is; `none` when nothing ran; undefined when it is too early to say. */
type Source = { readonly node: NodeName; readonly key: AllocationKey } | "none";

/**
 * Sends the output of one rank of a job's newest attempt. With `follow`, waits for a job that has not started, and goes on
 * until the rank has ended.
 */
export async function streamLogs(
  request: StreamLogsRequest__Output,
  loop: Loop,
  logs: LogRelay,
  signal: AbortSignal,
  reader: { readonly open: () => void; readonly send: (data: Buffer) => Promise<void> },
): Promise<void> {
  checkRequest(request);
  if (!(await loop.read((state) => state.jobs.has(asJobId(request.job_id))))) {
    throw new RequestError("not_found", "Job not found");
  }
  reader.open();
  const find = (state: State) => findSource(state, request);
  const source = request.follow
    ? await loop.waitFor(find, signal)
    : ((await loop.read((state) => find(state) ?? "none")) satisfies Source);
  if (source === "none") return;
  const query = { follow: request.follow, tailLines: request.tail_lines, stream: request.stream };
  for await (const data of logs.read(source.node, source.key, query, signal)) await reader.send(data);
}

function checkRequest({ rank, tail_lines, stream }: StreamLogsRequest__Output): void {
  if (rank < 0) throw invalid("rank", "must not be negative");
  if ((tail_lines ?? 0) < 0) throw invalid("tail_lines", "must not be negative");
  if (!STREAMS.includes(stream)) throw invalid("stream", "must be a known stream");
}

function invalid(field: string, message: string): RequestError {
  return new RequestError("invalid", `Invalid request: ${field} ${message}`, { fields: [{ field, message }] });
}

function findSource(state: State, request: StreamLogsRequest__Output): Source | undefined {
  const job = state.jobs.get(asJobId(request.job_id));
  if (!job) throw new RequestError("not_found", "Job not found");
  const key = { jobId: job.id, attempt: job.attempt, rank: request.rank };
  const allocation = job.allocations[request.rank];
  if (allocation) {
    const { state: rank } = allocation;
    if (rank.phase === "assigned") return undefined;
    if (rank.phase === "ended" && rank.startedAt === undefined) return "none";
    return { node: allocation.node, key };
  }
  if (job.allocations.length > 0) throw invalid("rank", `must be below ${job.allocations.length}`);
  if (job.phase === "finished") return "none";
  const lastNode = job.lastNodes?.[request.rank];
  const hasRun = lastNode !== undefined && job.startedAt !== undefined;
  return hasRun && !request.follow ? { node: lastNode, key } : undefined;
}
