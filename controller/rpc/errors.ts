import * as grpc from "@grpc/grpc-js";
import { type ErrorCode, messageOf, RequestError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { errorDetailTrailers } from "../../proto/error-detail.ts";

const STATUS: Readonly<Record<ErrorCode, grpc.status>> = {
  invalid: grpc.status.INVALID_ARGUMENT,
  not_found: grpc.status.NOT_FOUND,
  forbidden: grpc.status.PERMISSION_DENIED,
  conflict: grpc.status.FAILED_PRECONDITION,
  overloaded: grpc.status.RESOURCE_EXHAUSTED,
  full: grpc.status.RESOURCE_EXHAUSTED,
  unavailable: grpc.status.UNAVAILABLE,
  node_away: grpc.status.UNAVAILABLE,
  internal: grpc.status.INTERNAL,
};

/** What a caller is told of an error: refusals as they are; anything else is logged, and said to be internal. */
export function toServiceError(error: unknown, log: Logger): Partial<grpc.StatusObject> {
  if (!(error instanceof RequestError)) {
    log.error({ error }, "a call failed unexpectedly");
    return { code: grpc.status.INTERNAL, details: "Failed to process request", metadata: new grpc.Metadata() };
  }
  if (error.code === "internal") log.error({ error, message: messageOf(error.cause) }, "a call failed");
  const fields = error.fields.map(({ field, message }) => ({ field, message }));
  const metadata = errorDetailTrailers({ code: error.code, fields });
  return { code: STATUS[error.code], details: error.message, metadata };
}
