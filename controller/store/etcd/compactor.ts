import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Service } from "../../../base/service.ts";
import type { EtcdClient } from "./etcd-client.ts";
import type { Layout } from "./layout.ts";

export interface CompactorOptions {
  readonly client: EtcdClient;
  readonly layout: Layout;
  readonly compactEveryMs: number;
  readonly log: Logger;
}

/**
 * Lets etcd forget what keys were before, which it else keeps for ever, until it is full. The leader does it, each time to where
 * things stood one interval ago, so that followers that were away for less need not read everything anew.
 */
export class Compactor implements Service {
  readonly #options: CompactorOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  #revision = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: CompactorOptions) {
    this.#options = options;
    if (options.compactEveryMs === 0) return;
    this.#timer = setInterval(() => {
      this.#running = this.#compact();
    }, options.compactEveryMs);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #compact(): Promise<void> {
    const { client, layout, log } = this.#options;
    try {
      const { header } = await client.range({ key: Buffer.from(layout.head) });
      const revision = this.#revision;
      this.#revision = header?.revision ?? 0;
      if (revision === 0) return;
      await client.compact(revision);
      log.debug({ revision }, "etcd's history compacted");
    } catch (error) {
      log.warn({ error: messageOf(error) }, "cannot compact etcd's history");
    }
  }
}
