import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onExit } from "./on-exit.ts";

/** Processes that were just killed may still be writing. */
const RETRIES = { maxRetries: 10, retryDelay: 50 };

/** Gives a directory that lasts as long as the work, on the disk for temporary files (`TMPDIR`). */
export async function inTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "gpusched-bench-"));
  const forget = onExit(() => rmSync(directory, { recursive: true, force: true, ...RETRIES }));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true, ...RETRIES });
    forget();
  }
}
