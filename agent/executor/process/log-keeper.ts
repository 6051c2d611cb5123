import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Service } from "../../../base/service.ts";
import { HOUR_MS, SECOND_MS } from "../../../base/time.ts";
import type { AttemptFiles } from "./attempt-files.ts";
import { collectLogs, KEPT_LOGS } from "../kept-logs.ts";
import { capLogs } from "./log-cap.ts";

const COLLECT_EVERY_MS = HOUR_MS;
const CAP_EVERY_MS = 5 * SECOND_MS;

export interface LogKeeperOptions {
  readonly files: AttemptFiles;
  /** The jobs that run without a runner, which limits the output of its own. */
  readonly orphans: () => Iterable<string>;
  readonly log: Logger;
}

/** Collects old output, now and every hour, and limits that of jobs without a runner. */
export function keepLogs({ files, orphans, log }: LogKeeperOptions): Service {
  const collect = async (): Promise<void> => {
    try {
      await collectLogs(files.logsDir, KEPT_LOGS, Date.now());
    } catch (error) {
      log.warn({ reason: messageOf(error) }, "cannot collect old output");
    }
  };
  const cap = async (): Promise<void> => {
    try {
      await capLogs(files, orphans());
    } catch (error) {
      log.warn({ reason: messageOf(error) }, "cannot limit the output of a job");
    }
  };
  let underWay = collect();
  const collecting = setInterval(() => {
    underWay = underWay.then(collect);
  }, COLLECT_EVERY_MS);
  const capping = setInterval(() => {
    underWay = underWay.then(cap);
  }, CAP_EVERY_MS);
  return {
    async close() {
      clearInterval(collecting);
      clearInterval(capping);
      await underWay;
    },
  };
}
