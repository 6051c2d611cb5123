import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DAY_MS } from "../../base/time.ts";

/** How long, and how much of, the output of released allocations is kept. */
export const KEPT_LOGS: LogLimits = { maxAgeMs: 7 * DAY_MS, maxBytes: 10 * 1024 ** 3 };

interface LogLimits {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

interface KeptLog {
  readonly path: string;
  readonly bytes: number;
  readonly releasedAtMs: number;
}

/** Removes the output of allocations released too long ago, and of the oldest ones beyond the total. */
export async function collectLogs(logsDir: string, limits: LogLimits, nowMs: number): Promise<void> {
  const logs = await Promise.all((await readdir(logsDir)).map((name) => measure(join(logsDir, name))));
  let total = 0;
  for (const log of logs.toSorted((a, b) => b.releasedAtMs - a.releasedAtMs)) {
    total += log.bytes;
    const isTooOld = nowMs - log.releasedAtMs > limits.maxAgeMs;
    if (isTooOld || total > limits.maxBytes) await rm(log.path, { recursive: true, force: true });
  }
}

/** The directory of an allocation's output was last changed when the output was moved there. */
async function measure(path: string): Promise<KeptLog> {
  const files = await Promise.all((await readdir(path)).map((name) => stat(join(path, name))));
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  return { path, bytes, releasedAtMs: (await stat(path)).mtimeMs };
}
