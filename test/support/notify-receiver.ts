/** The other end of sd_notify: a Unix datagram socket, bound and read through the C library. */
import { load } from "koffi";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "../../base/service.ts";

const AF_UNIX = 1;
const DATAGRAMS_WITHOUT_WAITING = 2 + 0o4000;
const WITHIN_MS = 60_000;
const POLL_MS = 5;

export interface NotifyReceiver extends Service {
  /** As `NOTIFY_SOCKET` names it. */
  readonly address: string;
  /** The lines of every message so far, in order. */
  lines(): readonly string[];
  /** Resolves once a line is as wanted; throws if none comes. */
  until(isWanted: (line: string) => boolean): Promise<string>;
}

export function receiveNotifications(kind: "path" | "abstract"): NotifyReceiver {
  const directory = mkdtempSync(join(tmpdir(), "gpusched-notify-"));
  const address = kind === "path" ? join(directory, "socket") : `@gpusched-${randomUUID()}`;
  const libc = load(null);
  const descriptor = Number(libc.func("int socket(int, int, int)")(AF_UNIX, DATAGRAMS_WITHOUT_WAITING, 0));
  const name = kind === "path" ? `${address}\0` : `\0${address.slice(1)}`;
  const target = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(name)]);
  const bound = libc.func("int bind(int, const uint8_t *, uint32_t)")(descriptor, target, target.length);
  if (bound !== 0) throw new Error(`cannot bind ${address}`);
  const receive = libc.func("int64_t recv(int, _Out_ uint8_t *, size_t, int)");
  const seen: string[] = [];
  const lines = (): readonly string[] => {
    const buffer = Buffer.alloc(4_096);
    for (let size = 0; (size = Number(receive(descriptor, buffer, buffer.length, 0))) > 0; ) {
      seen.push(...buffer.toString("utf8", 0, size).split("\n"));
    }
    return seen;
  };
  return {
    address,
    lines,
    async until(isWanted) {
      const giveUpAt = performance.now() + WITHIN_MS;
      for (;;) {
        const found = lines().find(isWanted);
        if (found !== undefined) return found;
        if (performance.now() > giveUpAt) throw new Error(`no such message among: ${seen.join(", ")}`);
        await sleep(POLL_MS);
      }
    },
    close: async () => {
      libc.func("int close(int)")(descriptor);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
