import { RequestError, messageOf } from "../../base/errors.ts";
import type { Clock } from "../../base/clock.ts";
import { Mailbox } from "../../base/mailbox.ts";
import type { State } from "../core/model/state.ts";
import { Outlook } from "../core/outlook.ts";
import type { Slices } from "../core/slices.ts";

/** For how long questions hold the thread before the loop may go on. */
const SLICE_MS = 5;
/** Questions that may wait for their turn; more are refused as overload. */
const MAX_WAITING = 1_000;
/** Moments of which forecasts are in memory at once: each is a copy of all that is alive. */
const MAX_MOMENTS = 4;

/**
 * A question about the future: looks at the state before its first slice, and asks for the outlook then if it needs one.
 * Afterwards the state is another one.
 */
export type Question<T> = (state: State, at: number, outlook: () => Outlook) => Slices<T>;

interface Asked {
  readonly question: Question<unknown>;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

interface Begun {
  readonly asked: Asked;
  readonly slices: Slices<unknown>;
}

/** So that what is thrown at the very beginning is an answer as well. */
function* slicesOf(...[question, ...moment]: [Question<unknown>, ...Parameters<Question<unknown>>]): Slices<unknown> {
  return yield* question(...moment);
}

/** Reads the durable state, between batches. */
type Read = (look: (state: State, at: number) => void) => Promise<void>;

/**
 * Answers questions that take long a slice at a time, so that batches go on meanwhile. Those that have waited for the same
 * moment share one outlook: to ask about a hundred jobs costs one forecast.
 */
export class Questions {
  readonly #read: Read;
  readonly #clock: Clock;
  readonly #waiting = new Mailbox<Asked>(MAX_WAITING);
  /** Those of one moment each, in turn. */
  readonly #moments: Begun[][] = [];
  #isBeginning = false;
  #isBusy = false;

  constructor(read: Read, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  ask<T>(question: Question<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.put({ question, resolve, reject });
      this.#begin();
    });
  }

  /** Nothing that is asked will be answered. */
  close(error: Error): void {
    for (const { reject } of this.#waiting.takeAll()) reject(error);
    for (const { asked } of this.#moments.splice(0).flat()) asked.reject(error);
  }

  #begin(): void {
    if (this.#isBeginning || this.#waiting.length === 0 || this.#moments.length >= MAX_MOMENTS) return;
    this.#isBeginning = true;
    this.#read((state, at) => this.#beginAt(state, at)).then(
      () => {
        this.#isBeginning = false;
        this.#begin();
      },
      (error: unknown) => {
        this.#isBeginning = false;
        this.close(error instanceof Error ? error : new Error(messageOf(error)));
      },
    );
  }

  /** All that have waited, or as many as a slice has time for, look at the state. */
  #beginAt(state: State, at: number): void {
    let shared: Outlook | undefined;
    const outlook = () => (shared ??= new Outlook(state, at));
    const begun: Begun[] = [];
    const endMs = this.#clock.monotonicMs() + SLICE_MS;
    do {
      for (const asked of this.#waiting.take(1)) {
        const one = { asked, slices: slicesOf(asked.question, state, at, outlook) };
        if (this.#goOn(one)) begun.push(one);
      }
    } while (this.#waiting.length > 0 && this.#clock.monotonicMs() < endMs);
    if (begun.length > 0) this.#moments.push(begun);
    this.#wake();
  }

  #wake(): void {
    if (this.#isBusy || this.#moments.length === 0) return;
    this.#isBusy = true;
    setImmediate(() => {
      this.#isBusy = false;
      this.#slice();
      this.#begin();
      this.#wake();
    });
  }

  /** Goes on with each in turn, the moments and those of one of them. */
  #slice(): void {
    const endMs = this.#clock.monotonicMs() + SLICE_MS;
    do {
      const moment = this.#moments.shift();
      const one = moment?.shift();
      if (!moment || !one) return;
      if (this.#goOn(one)) moment.push(one);
      if (moment.length > 0) this.#moments.push(moment);
    } while (this.#clock.monotonicMs() < endMs);
  }

  /** Whether the question is still open. */
  #goOn({ asked, slices }: Begun): boolean {
    try {
      const { done, value } = slices.next();
      if (done) asked.resolve(value as never);
      return !done;
    } catch (error) {
      asked.reject(error instanceof Error ? error : new RequestError("internal", messageOf(error)));
      return false;
    }
  }
}
