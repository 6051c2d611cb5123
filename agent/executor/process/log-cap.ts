import { appendFile, stat, truncate } from "node:fs/promises";
import { systemErrorCode } from "../../../base/errors.ts";
import type { AttemptFiles } from "./attempt-files.ts";

/** The most that is kept of each stream of a job, give or take what is written between two looks. */
const MAX_LOG_BYTES = 1024 ** 3;

/** Empties a log that has grown beyond the limit, and says so in it. Its writers append, so that they simply go on. */
export async function capLog(path: string, maxBytes: number): Promise<void> {
  try {
    if ((await stat(path)).size <= maxBytes) return;
    await truncate(path, 0);
    await appendFile(path, `[gpusched: the output exceeded ${maxBytes} bytes; what came before is not kept]\n`);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}

/** Limits the output of these allocations. */
export async function capLogs(files: AttemptFiles, names: Iterable<string>): Promise<void> {
  for (const name of names) {
    await capLog(files.logPath(name, "stdout"), MAX_LOG_BYTES);
    await capLog(files.logPath(name, "stderr"), MAX_LOG_BYTES);
  }
}
