import { delay } from "../../../base/abort.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Service } from "../../../base/service.ts";
import type { KeyValue__Output } from "../../../proto/generated/etcdserverpb/KeyValue.ts";
import { type EtcdClient, persistently } from "./etcd-client.ts";
import type { Layout } from "./layout.ts";
import { Watcher } from "./watcher.ts";

/** Who leads, as far as is known here: a hint, which may be late. */
export interface LeaderHint {
  readonly term: number;
  /** Where the leader is reached. */
  readonly address: string;
  /** The leader's own name. */
  readonly instance: string;
}

export interface LeaderWatchOptions {
  readonly client: EtcdClient;
  readonly layout: Layout;
  readonly log: Logger;
}

const RETRY_MS = 500;

/** Follows the election key. */
export class LeaderWatch implements Service {
  readonly #options: LeaderWatchOptions;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(leader: LeaderHint | undefined) => void>();
  readonly #running: Promise<void>;
  #leader: LeaderHint | undefined;
  /** The etcd revision that `leader` is known from. */
  #asOf = 0;

  constructor(options: LeaderWatchOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get leader(): LeaderHint | undefined {
    return this.#leader;
  }

  /** Calls after every change; returns what ends that. */
  onChange(listener: (leader: LeaderHint | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks etcd now: what the watch will tell may be late. */
  async look(signal: AbortSignal): Promise<LeaderHint | undefined> {
    const { client, layout } = this.#options;
    const { kvs, header } = await client.range({ key: Buffer.from(layout.leader) }, { signal });
    this.note(kvs[0], header?.revision ?? 0);
    return this.#leader;
  }

  /** Takes what was seen at the etcd revision, unless something newer is known. */
  note(kv: KeyValue__Output | undefined, revision: number): void {
    this.set(kv && this.#parse(kv), revision);
  }

  set(leader: LeaderHint | undefined, revision: number): void {
    if (revision < this.#asOf) return;
    this.#asOf = revision;
    if (leader?.term === this.#leader?.term) return;
    this.#leader = leader;
    for (const listener of [...this.#listeners]) listener(leader);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await persistently(signal, () => this.look(signal));
        await this.#follow();
      } catch (error) {
        if (signal.aborted) return;
        this.#options.log.warn({ error: messageOf(error) }, "cannot read from etcd who leads");
        await delay(RETRY_MS, signal);
      }
    }
  }

  async #follow(): Promise<void> {
    const { client, layout, log } = this.#options;
    const { signal } = this.#closing;
    if (signal.aborted) return;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve());
    const watcher = new Watcher({
      client,
      prefix: layout.leader,
      from: this.#asOf + 1,
      onEvents: (events) => {
        for (const { type, kv } of events) {
          if (kv?.key.toString() === layout.leader) this.note(type === "PUT" ? kv : undefined, kv.mod_revision);
        }
      },
      onCompacted: resolve,
      log,
    });
    await over;
    await watcher.close();
  }

  /** What another program has written there leads too, without an address. */
  #parse({ value, create_revision }: KeyValue__Output): LeaderHint {
    try {
      const { address, instance } = this.#options.layout.parseObject(this.#options.layout.leader, value.toString());
      return { term: create_revision, address: String(address), instance: String(instance) };
    } catch {
      return { term: create_revision, address: "", instance: "" };
    }
  }
}
