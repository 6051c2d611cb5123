import { delay } from "../base/abort.ts";
import { formatAddress, parseAddress } from "../base/address.ts";
import { RequestError } from "../base/errors.ts";
import { SECOND_MS } from "../base/time.ts";

const POLL_MS = 50;
const ANSWER_DEADLINE_MS = 2 * SECOND_MS;
const DEADLINE_MS = 30 * SECOND_MS;

/** Resolves when the gateway at `host:port` says that it is ready, or when the signal aborts. */
export async function untilReady(address: string, stopping: AbortSignal): Promise<void> {
  const url = `http://${connectable(address)}/ready`;
  const giveUpAt = performance.now() + DEADLINE_MS;
  while (!stopping.aborted) {
    if (await answersOk(url, stopping)) return;
    if (performance.now() > giveUpAt)
      throw new RequestError("unavailable", `${url} was not ready within ${DEADLINE_MS} ms`);
    await delay(POLL_MS, stopping);
  }
}

async function answersOk(url: string, stopping: AbortSignal): Promise<boolean> {
  try {
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(ANSWER_DEADLINE_MS)]);
    const response = await fetch(url, { signal });
    await response.body?.cancel();
    return response.ok;
  } catch {
    // Nobody listens yet, or nobody answers: asked again until the deadline.
    return false;
  }
}

/** What listens on every address is asked on the loopback one. */
function connectable(address: string): string {
  const { host, port } = parseAddress(address) ?? { host: address, port: 80 };
  const anyAddress: Record<string, string> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  return formatAddress(anyAddress[host] ?? host, port);
}
