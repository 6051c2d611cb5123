import { delay } from "../../../base/abort.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import { makeDirectory } from "../../../base/make-directory.ts";
import { HOUR_MS } from "../../../base/time.ts";
import { collectLogs, KEPT_LOGS } from "../kept-logs.ts";

/** Collects the saved output that has become too old or too much, now and every hour, until closing. */
export async function keepOutput(directory: string, closing: AbortSignal, log: Logger): Promise<void> {
  while (!closing.aborted) {
    try {
      makeDirectory(directory);
      await collectLogs(directory, KEPT_LOGS, Date.now());
    } catch (error) {
      log.warn({ reason: messageOf(error) }, "cannot collect old output");
    }
    await delay(HOUR_MS, closing);
  }
}
