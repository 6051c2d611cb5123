import { once } from "node:events";
import type { Request, Response } from "express";
import { logsQuerySchema } from "../../contract/query.ts";
import { type Handler, readQuery, type RouteContext } from "../route.ts";
import { toStreamLogsRequest } from "../translate.ts";

/** How long a reader may leave what was sent to it before it is taken for gone. */
const READER_STALL_MS = 60_000;

/**
 * A job's output as text, passed on at the reader's pace and, when followed, for as long as the job runs. An answer that
 * cannot be completed is broken off, so that the reader does not take it for whole.
 */
export function logsHandler({ client, closing }: RouteContext, jobIdOf: (request: Request) => string): Handler {
  return async (request, response) => {
    const query = readQuery(request, logsQuerySchema);
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const stream = await client.openLogs(
      toStreamLogsRequest(jobIdOf(request), query),
      AbortSignal.any([gone.signal, closing]),
    );
    response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" });
    response.flushHeaders();
    // A job may be quiet for hours: the server's limit on silence is not for this answer.
    response.setTimeout(0);
    for await (const { data } of stream) await send(response, data);
    response.end();
  };
}

async function send(response: Response, data: Uint8Array): Promise<void> {
  if (response.write(data)) return;
  await once(response, "drain", { signal: AbortSignal.timeout(READER_STALL_MS) });
}
