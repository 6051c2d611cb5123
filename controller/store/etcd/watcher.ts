import { delay } from "../../../base/abort.ts";
import { exponentialBackoffMs, withJitter } from "../../../base/backoff.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Service } from "../../../base/service.ts";
import type { Event__Output } from "../../../proto/generated/etcdserverpb/Event.ts";
import type { WatchResponse__Output } from "../../../proto/generated/etcdserverpb/WatchResponse.ts";
import { CALL_DEADLINE_MS, type EtcdClient } from "./etcd-client.ts";
import { endOf } from "./requests.ts";

export interface WatcherOptions {
  readonly client: EtcdClient;
  /** Every key that begins with it is watched. */
  readonly prefix: string;
  /** The first revision whose changes are told. */
  readonly from: number;
  /** Changes in the order of their revisions, none twice, none left out. */
  readonly onEvents: (events: readonly Event__Output[]) => void;
  /** The changes since the last ones told have been forgotten: the watch is over, and everything must be read anew. */
  readonly onCompacted: () => void;
  readonly log: Logger;
}

const RETRY_BASE_MS = 50;
const RETRY_MAX_MS = 1_000;

/** Follows the changes below a prefix, across broken connections and members. */
export class Watcher implements Service {
  readonly #options: WatcherOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #next: number;
  #connection = new AbortController();
  #isAlive = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#next = options.from;
    this.#running = this.#run();
  }

  /** Leaves the member that this watch is on: for a watch that should have told something. */
  turn(): void {
    this.#connection.abort();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { client, log, onCompacted } = this.#options;
    for (let retry = 0; !this.#closing.signal.aborted; retry += 1) {
      this.#isAlive = false;
      try {
        if ((await this.#follow()) === "compacted") return onCompacted();
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        log.debug({ error: messageOf(error) }, "watch interrupted");
        client.turnFrom();
      }
      if (this.#isAlive) retry = 0;
      await delay(withJitter(exponentialBackoffMs(retry, RETRY_BASE_MS, RETRY_MAX_MS)), this.#closing.signal);
    }
  }

  /** One stream, until it breaks (throws) or the history is gone. */
  async #follow(): Promise<"compacted"> {
    this.#connection = new AbortController();
    const signal = AbortSignal.any([this.#connection.signal, this.#closing.signal]);
    const stream = this.#options.client.openWatch();
    // Whoever waits for data is told; an error after that must not end the process.
    stream.on("error", () => undefined);
    const giveUp = () => stream.cancel();
    signal.addEventListener("abort", giveUp);
    const unanswered = setTimeout(giveUp, CALL_DEADLINE_MS);
    try {
      const { prefix } = this.#options;
      const create_request = {
        key: Buffer.from(prefix),
        range_end: endOf(prefix),
        start_revision: this.#next,
        fragment: true,
      };
      stream.write({ create_request });
      for await (const response of stream as AsyncIterable<WatchResponse__Output>) {
        clearTimeout(unanswered);
        if (this.#closing.signal.aborted) break;
        if (response.compact_revision > 0) return "compacted";
        if (response.canceled) throw new Error(`the member has ended the watch: ${response.cancel_reason}`);
        this.#isAlive = true;
        this.#take(response);
      }
      throw new Error("the stream has ended");
    } finally {
      clearTimeout(unanswered);
      signal.removeEventListener("abort", giveUp);
      stream.cancel();
    }
  }

  #take({ events, fragment }: WatchResponse__Output): void {
    // What a repeated stream tells again was told before.
    const fresh = events.filter((event) => (event.kv?.mod_revision ?? 0) >= this.#next);
    const last = fresh.at(-1)?.kv?.mod_revision;
    if (last === undefined) return;
    // The rest of a divided answer may belong to the same revision.
    this.#next = fragment ? last : last + 1;
    this.#options.onEvents(fresh);
  }
}
