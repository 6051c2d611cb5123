import { RequestError } from "../base/errors.ts";
import { OVERLOADED_MESSAGE } from "./errors.ts";

/** Submissions that wait for their answers, whatever they wait for: more is never held here. */
const MAX_UNDER_WAY = 1_000;
/** So many may wait for as long as it takes: a few that are slow are no crowd. */
const ALWAYS_LET_IN = 16;
/** When the oldest waits for longer, the queue behind it is long enough. */
const LONGEST_WAIT_MS = 300;

/**
 * Lets submissions in only as fast as they are answered: when more come than can be taken, those that are let in have their answers
 * soon, and the others are told at once to try again. What is not a submission, such as a cancellation, is never turned away.
 */
export class Intake {
  readonly #now: () => number;
  /** When each that is under way was let in, oldest first. */
  readonly #underWay = new Map<symbol, number>();

  /** @param now milliseconds on a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Does it, unless there is too much to do.
   *
   * @throws RequestError `overloaded`, without having begun
   */
  async admit<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isFull()) throw new RequestError("overloaded", OVERLOADED_MESSAGE);
    const ticket = Symbol("submission");
    this.#underWay.set(ticket, this.#now());
    try {
      return await work();
    } finally {
      this.#underWay.delete(ticket);
    }
  }

  #isFull(): boolean {
    const { size } = this.#underWay;
    if (size < ALWAYS_LET_IN) return false;
    const [oldest = 0] = this.#underWay.values();
    return size >= MAX_UNDER_WAY || this.#now() - oldest > LONGEST_WAIT_MS;
  }
}
