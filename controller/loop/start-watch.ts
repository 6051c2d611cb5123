import { exponentialBackoffMs } from "../../base/backoff.ts";
import { RequestError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import { LateStarts } from "../core/late-start.ts";
import type { Loop } from "./loop.ts";

const EVERY_MS = 30_000;
/** However often it has failed: a bug that stays costs one forecast and one line of the log an hour. */
const MAX_WAIT_MS = 3_600_000;

/** Lets what is told of late starts be learnt from the jobs that really start, for as long as the term lasts. */
export class StartWatch implements Service {
  readonly lateStarts = new LateStarts();
  readonly #loop: Pick<Loop, "ask">;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  /** In a row. */
  #failures = 0;
  #isOver = false;

  constructor(loop: Pick<Loop, "ask">, log: Logger) {
    this.#loop = loop;
    this.#log = log;
    this.#waitFor(EVERY_MS);
  }

  #waitFor(waitMs: number): void {
    if (this.#isOver) return;
    this.#timer = setTimeout(() => void this.#look(), waitMs).unref();
  }

  /** A failure is of this moment: the next look is at other jobs. */
  async #look(): Promise<void> {
    try {
      await this.#loop.ask((state, at, outlook) => this.lateStarts.look(state, at, outlook));
      this.#failures = 0;
      this.#waitFor(EVERY_MS);
    } catch (error) {
      // Once the term is over there is nothing more to learn.
      if (this.#isOver || (error instanceof RequestError && error.code === "unavailable")) return;
      const retryMs = exponentialBackoffMs(this.#failures, EVERY_MS, MAX_WAIT_MS);
      this.#failures += 1;
      // Too many questions at once are no fault.
      if (error instanceof RequestError && error.code === "overloaded")
        this.#log.debug("late starts are not looked at: too many questions wait");
      else this.#log.error({ err: error, failures: this.#failures, retryMs }, "nothing could be learnt of late starts");
      this.#waitFor(retryMs);
    }
  }

  close(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    return Promise.resolve();
  }
}
