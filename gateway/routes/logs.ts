import { once } from "node:events";
import type { Request, Response } from "express";
import { logsQuerySchema } from "../../contract/query.ts";
import { isServiceError } from "../controller-client.ts";
import { fromGrpcError, HttpError } from "../errors.ts";
import { type Handler, readQuery, type RouteContext } from "../route.ts";
import { toStreamLogsRequest } from "../translate/job.ts";

/** How long a reader may leave what was sent to it before it is taken for gone. */
const READER_STALL_MS = 60_000;

/**
 * A job's output as text, passed on at the reader's pace and, when followed, for as long as the job runs. An answer that
 * cannot be completed is broken off, so that the reader does not take it for whole. A reader may leave at any time.
 */
export function logsHandler({ client, closing }: RouteContext, jobIdOf: (request: Request) => string): Handler {
  return async (request, response) => {
    const query = readQuery(request, logsQuerySchema);
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const wanted = toStreamLogsRequest(jobIdOf(request), query);
    try {
      const stream = await client.openLogs(wanted, AbortSignal.any([gone.signal, closing]));
      response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" });
      response.flushHeaders();
      // A job may be quiet for hours: the server's limit on silence is not for this answer.
      response.setTimeout(0);
      for await (const { data } of stream) await send(response, data, gone.signal);
      response.end();
    } catch (error) {
      if (gone.signal.aborted) return;
      throw isServiceError(error) ? fromGrpcError(error) : error;
    }
  };
}

async function send(response: Response, data: Uint8Array, gone: AbortSignal): Promise<void> {
  if (response.write(data)) return;
  const stalled = AbortSignal.timeout(READER_STALL_MS);
  try {
    await once(response, "drain", { signal: AbortSignal.any([gone, stalled]) });
  } catch (error) {
    throw stalled.aborted ? new HttpError(408, "Output was not read in time") : error;
  }
}
