import { delay } from "../../base/abort.ts";
import { RequestError } from "../../base/errors.ts";
import { type AllocationKey, asJobId, type NodeName } from "../../base/ids.ts";
import type { LogStream__Output } from "../../proto/generated/gpusched/v1/LogStream.ts";
import type { StreamLogsRequest__Output } from "../../proto/generated/gpusched/v1/StreamLogsRequest.ts";
import type { JobSpec } from "../core/model/job.ts";
import type { State } from "../core/model/state.ts";
import type { Loop } from "../loop/loop.ts";
import type { LogRelay } from "./log-relay.ts";

const STREAMS: readonly LogStream__Output[] = ["LOG_STREAM_UNSPECIFIED", "LOG_STREAM_STDOUT", "LOG_STREAM_STDERR"];

/** How long the answer to a reader who follows waits for a first word: the job may be quiet for hours, and its node refuse at once. */
const FIRST_WORD_MS = 1_000;

/** Where output is; `none` when nothing ran; undefined when it is too early to say. */
type Source = { readonly node: NodeName; readonly key: AllocationKey } | "none";

/**
 * Sends the output of one rank of a job's newest attempt. With `follow`, waits for a job that has not started, and goes on
 * until the rank has ended. The answer is opened once it is known that there will be one, so that what can be refused is
 * refused, and not broken off; only for a job that has not started is it opened before.
 */
export async function streamLogs(
  request: StreamLogsRequest__Output,
  loop: Loop,
  logs: LogRelay,
  signal: AbortSignal,
  reader: { readonly open: () => void; readonly send: (data: Buffer) => Promise<void> },
): Promise<void> {
  checkRequest(request);
  const find = (state: State) => findSource(state, request);
  let source = await loop.read(find);
  const isEarly = source === undefined && request.follow;
  if (isEarly) {
    reader.open();
    source = await loop.waitFor(find, signal);
  }
  if (source === undefined || source === "none") return;
  const query = { follow: request.follow, tailLines: request.tail_lines, stream: request.stream };
  const output = logs.read(source.node, source.key, query, signal);
  try {
    const first = output.next();
    if (!isEarly) {
      await (request.follow ? Promise.race([first, delay(FIRST_WORD_MS, signal)]) : first);
      reader.open();
    }
    for (let next = await first; next.done !== true; next = await output.next()) await reader.send(next.value);
  } finally {
    await output.return(undefined);
  }
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
  const ranks = job.allocations.length || mostRanks(state.spec(job.id));
  if (request.rank >= ranks) throw invalid("rank", `must be below ${ranks}`);
  const key = { jobId: job.id, attempt: job.attempt, rank: request.rank };
  const allocation = job.allocations[request.rank];
  if (allocation) {
    const { state: rank } = allocation;
    if (rank.phase === "assigned") return undefined;
    if (rank.phase === "ended" && rank.startedAt === undefined) return "none";
    return { node: allocation.node, key };
  }
  if (job.phase === "finished") return "none";
  const lastNode = job.lastNodes?.[request.rank];
  const hasRun = lastNode !== undefined && job.startedAt !== undefined;
  return hasRun && !request.follow ? { node: lastNode, key } : undefined;
}

/** How many ranks the job can have at most; how many it has is known once it is placed. */
function mostRanks(spec: JobSpec): number {
  return spec.gang ? spec.gpuCount / (spec.gpusPerNode ?? 1) : 1;
}
