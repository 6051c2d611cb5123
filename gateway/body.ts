/** Reads a request's JSON body: what is too large or of another kind is refused before it is read. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { HttpError } from "./errors.ts";
import { MAX_JSON_VALUES, parseStrictJson } from "./strict-json.ts";

/** Bodies of `POST /jobs`, which hold scripts. */
export const MAX_JOB_BODY_BYTES = 1024 * 1024;
/** Bodies of `POST /jobs/batch`. */
export const MAX_BATCH_BODY_BYTES = 8 * 1024 * 1024;
/** All other bodies. */
export const MAX_BODY_BYTES = 64 * 1024;

const JSON_TYPE = /^application\/json(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*$/i;

/** How large a body may be. */
export interface BodyLimits {
  readonly maxBytes: number;
  /** Names and list items; what any single thing needs, where it is not said. */
  readonly maxValues?: number;
}

/** Whether one comes with the request, be it an empty one. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

export async function readJson(
  request: IncomingMessage,
  response: ServerResponse,
  { maxBytes, maxValues = MAX_JSON_VALUES }: BodyLimits,
): Promise<unknown> {
  checkKind(request);
  return parseStrictJson(await readBody(request, response, maxBytes), maxValues);
}

function checkKind(request: IncomingMessage): void {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new HttpError(415, "Content-Encoding must be identity: compressed bodies are not accepted", { closes: true });
  }
  if (!JSON_TYPE.test(request.headers["content-type"] ?? "")) {
    throw new HttpError(415, "Content-Type must be application/json", { closes: true });
  }
}

async function readBody(request: IncomingMessage, response: ServerResponse, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  if (request.headers.expect !== undefined) response.writeContinue();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of untilCutOff(request)) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** A client that goes away, or that is so slow that the server's request timeout cuts it off, is no failure of ours. */
async function* untilCutOff(request: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch {
    throw new HttpError(400, "Request body was cut off", { closes: true });
  }
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, `Request body is larger than ${maxBytes / 1024} KiB`, { closes: true });
}
