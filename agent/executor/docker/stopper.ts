import { delay } from "../../../base/abort.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Allocation } from "./allocation.ts";
import type { EngineClient } from "./engine-client.ts";

const RETRY_MS = 1_000;
/** After SIGKILL; what is not gone by then is signalled again. */
const KILL_AGAIN_MS = 5_000;

/**
 * SIGTERM, and SIGKILL when its time has come, until the allocation has ended; a silent engine only delays it. The grace
 * is counted here rather than by the engine, so that it can be shortened and survives a restart of the engine.
 */
export async function stopContainer(
  engine: Pick<EngineClient, "kill">,
  allocation: Allocation,
  refresh: (allocation: Allocation) => Promise<void>,
  closing: AbortSignal,
  log: Logger,
): Promise<void> {
  let wasAsked = false;
  while (!closing.aborted && !allocation.hasEnded) {
    const wake = AbortSignal.any([allocation.nextChange, closing]);
    const leftMs = Math.max(0, (allocation.killAtMs ?? 0) - performance.now());
    let waitMs = RETRY_MS;
    if (allocation.state.phase === "running" && (leftMs === 0 || !wasAsked)) {
      const signal = leftMs === 0 ? "SIGKILL" : "SIGTERM";
      const sent = await trySignal(engine, allocation, signal, log);
      wasAsked ||= sent === "sent";
      if (sent === "not-running") await refresh(allocation);
      if (sent === "sent") waitMs = signal === "SIGKILL" ? KILL_AGAIN_MS : leftMs;
    } else if (wasAsked) {
      waitMs = leftMs;
    }
    if (!allocation.hasEnded) await delay(waitMs, wake);
  }
}

async function trySignal(
  engine: Pick<EngineClient, "kill">,
  allocation: Allocation,
  signal: "SIGTERM" | "SIGKILL",
  log: Logger,
): Promise<"sent" | "not-running" | "failed"> {
  try {
    return (await engine.kill(allocation.containerName, signal)) ? "sent" : "not-running";
  } catch (error) {
    log.warn({ err: error, allocation: allocation.name, signal }, "container not signalled");
    return "failed";
  }
}
