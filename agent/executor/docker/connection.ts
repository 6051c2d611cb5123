import { delay } from "../../../base/abort.ts";
import { exponentialBackoffMs, withJitter } from "../../../base/backoff.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { EngineClient } from "./engine-client.ts";
import type { EngineEvent, EngineInfo } from "./engine-facts.ts";

const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;
/** Events can be missed; what they should have told is found by then. */
const RELIST_MS = 30_000;

export interface ConnectionOptions {
  readonly engine: EngineClient;
  /** Whose containers' events are wanted. */
  readonly label: string;
  readonly closing: AbortSignal;
  readonly log: Logger;
  /** Called for each event, in order. */
  onEvent(event: EngineEvent): void;
  /** Called once events are received, and every 30 seconds: compares what is known with what there is. */
  reconcile(): Promise<void>;
}

/** Keeps listening to the engine's events, over restarts of the engine and its silences. */
export class EngineConnection {
  readonly #options: ConnectionOptions;
  #info: EngineInfo | undefined;
  #problem = "Docker has not answered yet";
  readonly #firstAttempt = Promise.withResolvers<void>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Resolves when the first attempt has succeeded or failed. */
  get firstAttempt(): Promise<void> {
    return this.#firstAttempt.promise;
  }

  /** What the engine told of itself when it was last reached; undefined before. */
  get info(): EngineInfo | undefined {
    return this.#info;
  }

  /** Why there was no connection when last one was tried: a sentence. */
  get problem(): string {
    return this.#problem;
  }

  /** The same, asked for now where it is not known. */
  async requireInfo(): Promise<EngineInfo> {
    this.#info ??= await this.#options.engine.info();
    return this.#info;
  }

  /** Ends when `closing` aborts. */
  async run(): Promise<void> {
    const { closing, log } = this.#options;
    for (let retry = 0; !closing.aborted; retry += 1) {
      const before = this.#problem;
      try {
        await this.#session(() => {
          retry = 0;
        });
        this.#problem = "Docker ended its stream of events";
      } catch (error) {
        this.#problem = messageOf(error);
      }
      this.#firstAttempt.resolve();
      if (closing.aborted) return;
      if (this.#problem !== before) log.warn({ problem: this.#problem }, "no connection to Docker");
      await delay(withJitter(exponentialBackoffMs(retry, RETRY_BASE_MS, RETRY_MAX_MS)), closing);
    }
  }

  /** Events are asked for before the containers are listed, so that nothing falls between. */
  async #session(onConnected: () => void): Promise<void> {
    const { engine, label, closing, log } = this.#options;
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, closing]);
    this.#info = await engine.info();
    const events = await engine.events(label, signal);
    const tasks: Promise<void>[] = [];
    try {
      await this.#options.reconcile();
      onConnected();
      this.#problem = "";
      this.#firstAttempt.resolve();
      log.info({ version: this.#info.ServerVersion }, "connected to Docker");
      if (this.#info.LiveRestoreEnabled === false) {
        log.warn("Docker's live-restore is off: a restart of Docker ends the jobs on this node");
      }
      tasks.push(this.#deliver(events), this.#relist(signal));
      await Promise.race(tasks);
    } finally {
      ended.abort();
      await Promise.allSettled(tasks);
    }
  }

  async #deliver(events: AsyncIterable<unknown>): Promise<void> {
    for await (const event of events) this.#options.onEvent(event as EngineEvent);
  }

  async #relist(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(RELIST_MS, signal);
      if (!signal.aborted) await this.#options.reconcile();
    }
  }
}
