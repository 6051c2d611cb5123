import { delay } from "../../../base/abort.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Service } from "../../../base/service.ts";
import type { Refill } from "./reserve.ts";

const LOOK_EVERY_MS = 1_000;

/** For those who submit. */
const SHORTAGE =
  "The disk of the scheduler is full, and no new jobs are taken until there is room; jobs that are there go on, and can be cancelled";

export interface RoomOptions {
  /** Has the store's thread make some more of the reserve. */
  readonly refill: () => Promise<Refill>;
  /** For the log. */
  readonly path: string;
  readonly log: Logger;
}

/** Whether the disk has room for what is new: it has while the reserve is whole. Keeps making it so. */
export class Room implements Service {
  readonly #options: RoomOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #shortage: string | undefined;
  #wake = Promise.withResolvers<void>();

  constructor(options: RoomOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Why nothing new is taken; undefined while there is room. */
  get shortage(): string | undefined {
    return this.#shortage;
  }

  /** The reserve had to go. */
  gaveUp(): void {
    this.#note("no-room");
    this.#wake.resolve();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake.resolve();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      // Rejects once the store is over: then there is nothing to keep.
      const refill = await this.#options.refill().catch(() => undefined);
      if (refill === undefined) return;
      this.#note(refill);
      if (refill === "no-room") await delay(LOOK_EVERY_MS, signal);
      if (refill !== "whole") continue;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
    }
  }

  #note(refill: Refill): void {
    const { log, path } = this.#options;
    if (refill === "no-room" && this.#shortage === undefined) {
      this.#shortage = SHORTAGE;
      log.error({ path }, "the disk is full: no new jobs are taken until there is room for the reserve again");
    }
    if (refill === "whole" && this.#shortage !== undefined) {
      this.#shortage = undefined;
      log.info({ path }, "the disk has room again: new jobs are taken");
    }
  }
}
