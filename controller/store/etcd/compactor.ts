import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Service } from "../../../base/service.ts";
import { EtcdError } from "./etcd-error.ts";
import type { EtcdClient } from "./etcd-client.ts";
import type { Layout } from "./layout.ts";
import { isCreatedBy, put } from "./requests.ts";
import type { EtcdTenure } from "./tenure.ts";

export interface CompactorOptions {
  readonly client: EtcdClient;
  readonly layout: Layout;
  readonly tenure: EtcdTenure;
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
  #compacted = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: CompactorOptions) {
    this.#options = options;
    if (options.compactEveryMs === 0) return;
    this.#timer = setInterval(() => {
      this.#running = this.#compact();
    }, options.compactEveryMs);
    this.#timer.unref();
  }

  /** All that was: etcd has little room, and followers can read anew what they have missed. */
  compactNow(): void {
    this.#running = this.#running.then(() => this.#compact(true));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Pages that were freed count as free only after some more writes: without them what is idle would stay full for ever. */
  async #stir(revision: number): Promise<void> {
    const { client, layout, tenure } = this.#options;
    const operations = [put(layout.stir, JSON.stringify({ revision }))];
    const request = { compare: [isCreatedBy(layout.leader, tenure.term)], success: operations, failure: [] };
    await client.txn(request).catch((error: unknown) => {
      // It is full, which others tell.
      if (!(error instanceof EtcdError) || error.code !== "no_space") throw error;
    });
  }

  async #compact(isUrgent = false): Promise<void> {
    const { client, layout, log } = this.#options;
    try {
      const { header } = await client.range({ key: Buffer.from(layout.head) });
      const now = header?.revision ?? 0;
      const revision = isUrgent ? now : this.#revision;
      // What was forgotten cannot be forgotten again.
      const isDone = revision <= this.#compacted;
      this.#revision = now;
      if (revision === 0 || isDone) return;
      await client.compact(revision).catch((error: unknown) => {
        // An operator was faster.
        if (!(error instanceof EtcdError) || error.code !== "compacted") throw error;
      });
      this.#compacted = revision;
      if (isUrgent) await this.#stir(now);
      log.debug({ revision }, "etcd's history compacted");
    } catch (error) {
      log.warn({ error: messageOf(error) }, "cannot compact etcd's history");
    }
  }
}
