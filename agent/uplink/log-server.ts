import { delay } from "../../base/abort.ts";
import { exponentialBackoffMs, withJitter } from "../../base/backoff.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import type { LogServerHello } from "../../proto/generated/gpusched/v1/LogServerHello.ts";
import type { Executor } from "../executor/executor.ts";
import type { LogClient } from "./channel.ts";
import { LogStream } from "./log-stream.ts";

const BACKOFF_BASE_MS = 400;
const BACKOFF_MAX_MS = 5_000;

export interface LogServerOptions {
  readonly hello: LogServerHello;
  readonly readLog: Executor["readLog"];
  readonly log: Logger;
}

/** Serves job output to a controller, over and over, until it is closed. */
export function serveLogs(dial: () => LogClient, options: LogServerOptions): Service {
  const closing = new AbortController();
  const running = serve(dial, options, closing.signal);
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}

async function serve(dial: () => LogClient, options: LogServerOptions, signal: AbortSignal): Promise<void> {
  for (let retry = 0; !signal.aborted; retry += 1) {
    const begunAtMs = performance.now();
    const client = dial();
    try {
      await new LogStream({ client, ...options }).run(signal);
    } finally {
      client.close();
    }
    if (performance.now() - begunAtMs > BACKOFF_MAX_MS) retry = 0;
    await delay(withJitter(exponentialBackoffMs(retry, BACKOFF_BASE_MS, BACKOFF_MAX_MS)), signal);
  }
}
