import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { systemErrorCode } from "./errors.ts";

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
