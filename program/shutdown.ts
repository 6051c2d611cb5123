import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { StoreError } from "../controller/store/store.ts";
import { ServiceStack } from "../base/service.ts";
import { ExitCode } from "./exit-code.ts";

/** How long the parts may take to close before the process ends without them. */
const CLOSE_DEADLINE_MS = 10_000;

/**
 * Runs until SIGTERM or SIGINT, or until `run` settles: with a failure, or because it could not start.
 * Then closes in reverse order what it had added to the services, within a deadline. A second signal ends the process at once.
 *
 * @returns the exit code
 */
export async function runUntilStopped(
  run: (services: ServiceStack, stopping: AbortSignal) => Promise<Error>,
  log: Logger,
): Promise<number> {
  exitOnBugs(log);
  const services = new ServiceStack();
  const stopping = new AbortController();
  const signalled = firstSignal(log, stopping);
  let failed = true;
  let code: number = ExitCode.failure;
  try {
    const failure = await Promise.race([run(services, stopping.signal), signalled]);
    failed = failure !== undefined;
    if (failure instanceof StoreError && failure.code === "regressed") code = ExitCode.regressed;
    if (failure) log.fatal({ err: failure }, "stopping after a failure");
  } finally {
    stopping.abort();
    const closed = await closeWithinDeadline(services, log);
    failed ||= !closed;
  }
  return failed ? code : ExitCode.success;
}

/** Resolves at the first signal; the second one ends the process. */
function firstSignal(log: Logger, stopping: AbortController): Promise<undefined> {
  const numbers = { SIGINT: 2, SIGTERM: 15 } as const;
  return new Promise((resolve) => {
    const onSignal = (signal: keyof typeof numbers) => {
      if (stopping.signal.aborted) process.exit(128 + numbers[signal]);
      log.info({ signal }, "stopping");
      stopping.abort();
      resolve(undefined);
    };
    process.on("SIGINT", () => onSignal("SIGINT"));
    process.on("SIGTERM", () => onSignal("SIGTERM"));
  });
}

async function closeWithinDeadline(services: ServiceStack, log: Logger): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      log.error({ deadlineMs: CLOSE_DEADLINE_MS }, "not everything stopped in time");
      resolve(false);
    }, CLOSE_DEADLINE_MS);
  });
  const closed = services.close().then(
    () => true,
    (error: unknown) => {
      log.error({ err: error }, "stopping failed");
      return false;
    },
  );
  const result = await Promise.race([closed, deadline]);
  clearTimeout(timer);
  return result;
}

/** What nobody caught is a bug: everything acknowledged is durable, so the safest is to end at once and be started again. */
function exitOnBugs(log: Logger): void {
  const exit = (error: unknown) => {
    log.fatal({ err: error instanceof Error ? error : new Error(messageOf(error)) }, "ending after a bug");
    process.exit(ExitCode.bug);
  };
  process.on("uncaughtException", exit);
  process.on("unhandledRejection", exit);
}
