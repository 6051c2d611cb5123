/**
 * Every way in which a request can be refused. The edges translate: HTTP status and gRPC code are chosen from this alone.
 *
 * - `invalid` the request is wrong in itself; `fields` says where
 * - `not_found` no such object
 * - `forbidden` not allowed, quota included
 * - `conflict` the object's state does not permit it
 * - `overloaded` a limit of this process is reached: try again later
 * - `full` there is no room for anything new: try again when an operator has made some
 * - `unavailable` the part that must answer cannot be reached, or does not lead: try again
 * - `node_away` the node that must answer cannot be reached: try again when it is back
 * - `internal` a bug or a broken machine; the cause is for the log
 */
export type ErrorCode =
  | "invalid"
  | "not_found"
  | "forbidden"
  | "conflict"
  | "overloaded"
  | "full"
  | "unavailable"
  | "node_away"
  | "internal";

/** What is wrong with one field. `field` is a path such as `environment.PATH` or `command[2]`. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** An expected failure: its message is a sentence that is safe to show; its cause is for the log only. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code: ErrorCode;
  readonly fields: readonly FieldError[];

  constructor(code: ErrorCode, message: string, options: { fields?: readonly FieldError[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? [];
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` property that Node's system errors carry (`ENOENT`, …), else undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}

/** Whether it failed because the disk, or this user's part of it, is full. */
export function isFullDisk(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes(systemErrorCode(error) ?? "");
}
