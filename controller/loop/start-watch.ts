import { RequestError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import { LateStarts } from "../core/late-start.ts";
import type { Loop } from "./loop.ts";

const EVERY_MS = 30_000;

/** Lets what is told of late starts be learnt from the jobs that really start, for as long as the term lasts. */
export class StartWatch implements Service {
  readonly lateStarts = new LateStarts();
  readonly #loop: Loop;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;

  constructor(loop: Loop, log: Logger) {
    this.#loop = loop;
    this.#log = log;
    this.#timer = setInterval(() => void this.#look(), EVERY_MS).unref();
  }

  async #look(): Promise<void> {
    try {
      await this.#loop.ask((state, at, outlook) => this.lateStarts.look(state, at, outlook));
    } catch (error) {
      clearInterval(this.#timer);
      // Once the term is over there is nothing more to learn.
      if (!(error instanceof RequestError)) this.#log.error({ error }, "times of late starts are not learnt any more");
    }
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }
}
