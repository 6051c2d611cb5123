import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { RequestError, systemErrorCode } from "./errors.ts";

/**
 * Makes a directory for its owner alone, and those above it that are missing. Level by level: Node's own recursive `mkdir`
 * never ends where a file system such as /proc answers ENOENT below a directory that exists.
 *
 * @throws the system's error: `EEXIST` when something else has that name, `ENOENT`, `EACCES`, …
 */
export function makeDirectory(path: string): void {
  const parent = dirname(path);
  if (parent !== path && !existsSync(parent)) makeDirectory(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST" || !statSync(path).isDirectory()) throw error;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EEXIST: "it is a file",
  ENOTDIR: "a part of its path is a file",
  ENOENT: "no directory can be made there",
  EACCES: "this user may not",
  EPERM: "this user may not",
  EROFS: "the file system is read-only",
  ENOSPC: "the file system is full",
};

/**
 * As {@link makeDirectory}, for a directory that the user has named.
 *
 * @throws RequestError `unavailable` that names the directory and, in words, what is wrong with it
 */
export function makeDataDirectory(path: string): void {
  try {
    makeDirectory(path);
  } catch (cause) {
    const code = systemErrorCode(cause) ?? "an unknown error";
    const reason = REASONS[code] ?? `the system answers ${code}`;
    throw new RequestError("unavailable", `cannot use ${path} as the data directory: ${reason}`, { cause });
  }
}
