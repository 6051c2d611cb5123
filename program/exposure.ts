import { isLoopbackHost } from "../base/address.ts";
import type { Logger } from "../base/logger.ts";

/** The configuration would open this host to others without authentication. */
export class InsecureError extends Error {
  override readonly name = "InsecureError";
}

/** Refuses to listen where other hosts can connect, unless that was asked for in so many words. */
export function checkExposure(what: string, host: string, insecure: boolean, log: Logger): void {
  if (isLoopbackHost(host)) return;
  if (insecure) {
    log.warn(
      { host, listener: what },
      "listening beyond this host without authentication: whoever reaches it can run programs here",
    );
    return;
  }
  throw new InsecureError(
    `refusing to serve ${what} on ${host}: other hosts could reach it, there is no authentication yet, and whoever reaches it ` +
      "can run any program on every node. Listen on 127.0.0.1, or give --insecure if only trusted hosts can connect.",
  );
}
