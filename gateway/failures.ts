/** The answers to requests that failed, and what of that the log is told. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf, RequestError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { sendError } from "./answer.ts";
import { toAnswer } from "./errors.ts";

/** A line for each that is turned away would be the most expensive part of it. */
const TELL_OF_OVERLOAD_EVERY_MS = 10_000;

type AnswerFailure = (error: unknown, request: IncomingMessage, response: ServerResponse) => void;

export function failureAnswerer(log: Logger): AnswerFailure {
  let toldOfOverloadMs = Number.NEGATIVE_INFINITY;
  const tellOfOverload = () => {
    if (performance.now() - toldOfOverloadMs < TELL_OF_OVERLOAD_EVERY_MS) return;
    toldOfOverloadMs = performance.now();
    log.warn("more is submitted than can be taken: some submissions are turned away");
  };
  return (error, request, response) => {
    const answer = toAnswer(error);
    const requestId = response.getHeader("X-Request-Id");
    if (error instanceof RequestError && error.code === "overloaded") tellOfOverload();
    else if (answer.status === 503 || answer.status === 507)
      log.warn({ requestId, reason: reasonOf(error) }, "scheduler not available");
    else if (answer.status >= 500) log.error({ requestId, err: error }, "request failed");
    // The answer has begun, or nobody is there to read it: all that can be told is that it is not whole.
    if (response.headersSent || response.destroyed) response.destroy();
    else sendError(request, response, answer);
  };
}

function reasonOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
