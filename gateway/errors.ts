/** What went wrong, as HTTP says it. Every failure is converted here, once, and nothing of its inside is shown. */
import { type ServiceError, status as grpcStatus } from "@grpc/grpc-js";
import { type ErrorCode, type FieldError, RequestError } from "../base/errors.ts";
import { overloaded } from "../base/intake.ts";
import type { SubmitRefusal__Output } from "../proto/generated/gpusched/v1/SubmitRefusal.ts";
import { readErrorDetail } from "../proto/error-detail.ts";

/** A refusal that only HTTP knows: methods, media types, sizes, rates. The message is safe to show. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The rest of the request's body is not wanted: the connection ends with the answer. */
  readonly closes: boolean;

  constructor(
    status: number,
    message: string,
    options: { headers?: Readonly<Record<string, string>>; closes?: boolean } = {},
  ) {
    super(message);
    this.status = status;
    this.headers = options.headers ?? {};
    this.closes = options.closes ?? false;
  }
}

/** What a client is told about a failure. */
export interface ErrorAnswer {
  readonly status: number;
  readonly message: string;
  readonly fields: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;
  readonly closes: boolean;
}

const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid: 400,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  overloaded: 503,
  full: 507,
  unavailable: 503,
  node_away: 503,
  internal: 500,
};

const RETRY_AFTER_SECONDS = "1";
const INTERNAL_MESSAGE = "Failed to process request";
const UNAVAILABLE_MESSAGE = "The scheduler is not available at the moment; try again shortly";

/** The answer to whatever a handler threw. */
export function toAnswer(error: unknown): ErrorAnswer {
  if (error instanceof HttpError) {
    return { status: error.status, message: error.message, fields: [], headers: error.headers, closes: error.closes };
  }
  const code = error instanceof RequestError ? error.code : "internal";
  const status = HTTP_STATUS[code];
  return {
    status,
    message: error instanceof RequestError && code !== "internal" ? error.message : INTERNAL_MESSAGE,
    fields: error instanceof RequestError ? error.fields : [],
    headers: status === 503 ? { "Retry-After": RETRY_AFTER_SECONDS } : {},
    closes: false,
  };
}

/** A refusal that came as a part of an answer. */
export function fromRefusal({ message, detail }: SubmitRefusal__Output): RequestError {
  const code = detail?.code ?? "";
  return new RequestError(isErrorCode(code) ? code : "internal", message, { fields: detail?.fields ?? [] });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(HTTP_STATUS, code);
}

/** No such route, or a path that cannot name anything. */
export function routeNotFound(): HttpError {
  return new HttpError(404, "Not found");
}

/** Whether the controller has answered, and it is a node that it cannot reach. */
export function isNodeAway({ metadata }: ServiceError): boolean {
  return readErrorDetail(metadata)?.code === "node_away";
}

/**
 * A failed call to a controller. The sentences of refusals are the controller's own and meant to be shown; those of
 * other failures come from the gRPC library and hold addresses, so they are only the cause.
 */
export function fromGrpcError(error: ServiceError): RequestError {
  const refusal = (code: ErrorCode) =>
    new RequestError(code, error.details, { fields: readErrorDetail(error.metadata)?.fields ?? [], cause: error });
  switch (error.code) {
    case grpcStatus.INVALID_ARGUMENT:
      return refusal("invalid");
    case grpcStatus.NOT_FOUND:
      return refusal("not_found");
    case grpcStatus.PERMISSION_DENIED:
      return refusal("forbidden");
    case grpcStatus.FAILED_PRECONDITION:
    case grpcStatus.ALREADY_EXISTS:
      return refusal("conflict");
    case grpcStatus.RESOURCE_EXHAUSTED:
      if (readErrorDetail(error.metadata)?.code === "full") return refusal("full");
      return overloaded(error);
    case grpcStatus.UNAVAILABLE:
      if (isNodeAway(error)) return refusal("node_away");
      return new RequestError("unavailable", UNAVAILABLE_MESSAGE, { cause: error });
    case grpcStatus.DEADLINE_EXCEEDED:
    case grpcStatus.CANCELLED:
      return new RequestError("unavailable", UNAVAILABLE_MESSAGE, { cause: error });
    default:
      return new RequestError("internal", INTERNAL_MESSAGE, { cause: error });
  }
}
