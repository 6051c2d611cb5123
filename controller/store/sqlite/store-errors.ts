import { messageOf, systemErrorCode } from "../../../base/errors.ts";
import { StoreError } from "../store.ts";

/** SQLite's primary result codes that speak of the machine, not of what is in the file. */
const MACHINE_CODES: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 10, 13, 14]);
const BUSY = 5;

/** The primary result code (the low byte) of an error of node:sqlite; undefined for other errors. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

/** The shared memory of the write-ahead log could not grow. */
const SQLITE_IOERR_SHMSIZE = 4874;
const FULL = 13;

/**
 * Whether it was the disk's lack of room, found before anything became durable. A sync that fails is something else: nobody knows
 * then what is on the disk.
 */
export function isFull(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === "full";
  if (sqliteCode(error) === FULL || systemErrorCode(error) === "ENOSPC") return true;
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_IOERR_SHMSIZE;
}

/** Whether another connection's lock stood in the way. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === BUSY;
}

/** `what` is a clause that names the file and what was found. */
export function damaged(paths: { readonly directory: string }, what: string, cause?: unknown): StoreError {
  return new StoreError(
    "damaged",
    `the store in ${paths.directory} is damaged: ${what}. Nothing was changed. ` +
      "Restore the directory from a backup, or move it away to start empty.",
    { cause },
  );
}

/** Wraps what went wrong while doing something to the file; a StoreError passes as it is. */
export function failed(doing: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (isFull(error)) return new StoreError("full", `cannot ${doing}: the disk is full`, { cause: error });
  return new StoreError("failed", `cannot ${doing}: ${messageOf(error)}`, { cause: error });
}

/** For errors while reading the database: the machine's (`failed`), or the file's (`damaged`). */
export function unreadable(
  paths: { readonly directory: string; readonly database: string },
  error: unknown,
): StoreError {
  const code = sqliteCode(error);
  const isOfMachine = code === undefined ? isSystemError(error) : MACHINE_CODES.has(code);
  if (isOfMachine) return failed(`read ${paths.database}`, error);
  return error instanceof StoreError
    ? error
    : damaged(paths, `${paths.database} cannot be read (${messageOf(error)})`, error);
}

/** Errors of the operating system (`EACCES`, `EIO`), not those that Node raises itself (`ERR_…`). */
function isSystemError(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code !== undefined && !code.startsWith("ERR_");
}
