/** The trailer in which a refusal says what it is about, field by field. */
import { Metadata } from "@grpc/grpc-js";
import type { MessageTypeDefinition } from "@grpc/proto-loader";
import type { ErrorDetail, ErrorDetail__Output } from "./generated/gpusched/v1/ErrorDetail.ts";
import { ERROR_DETAIL_TRAILER, packageDefinition } from "./load.ts";

const messageType = packageDefinition["gpusched.v1.ErrorDetail"] as MessageTypeDefinition<
  ErrorDetail,
  ErrorDetail__Output
>;

/** Trailers that hold the detail. */
export function errorDetailTrailers(detail: ErrorDetail): Metadata {
  const trailers = new Metadata();
  trailers.set(ERROR_DETAIL_TRAILER, messageType.serialize(detail));
  return trailers;
}

/** The detail of a failed call's trailers; undefined when there is none, or none that can be read. */
export function readErrorDetail(trailers: Metadata): ErrorDetail__Output | undefined {
  const [encoded] = trailers.get(ERROR_DETAIL_TRAILER);
  if (!Buffer.isBuffer(encoded)) return undefined;
  try {
    return messageType.deserialize(encoded);
  } catch {
    return undefined;
  }
}
