import { type ErrorCode, RequestError } from "./errors.ts";

/** What whoever is turned away is told. */
const OVERLOADED_MESSAGE = "The scheduler has too much to do at the moment; try again shortly";

/** So many may be under way whatever they wait for: a few that are slow are no crowd. */
const LEAST_LIMIT = 32;
/** Of submissions under way: more are never held. */
const GREATEST_LIMIT = 1_000;
/** Until anything has been measured: what comes at once to one that was idle should not be turned away. */
const FIRST_LIMIT = 256;
const MEASURE_EVERY_MS = 250;
/** While at least so many were under way all the time, there was always something to do: what was done then is all that can be done. */
const BUSY_FROM = LEAST_LIMIT / 2;

/** What is refused for its own sake is answered as well. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(["invalid", "not_found", "forbidden", "conflict"]);

export interface IntakeOptions {
  /** How long one that is let in may have to wait for its answer. */
  readonly longestWaitMs: number;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

/**
 * Lets submissions in only as fast as they are answered: when more come than can be taken, those that are let in have their answers
 * soon, and the others are told at once to try again. What is not a submission, such as a cancellation, should not ask here.
 *
 * The wait of one that is let in is the number under way divided by the rate of answers (J. Little, "A Proof for the Queuing Formula
 * L = λW", 1961); so the number is limited to rate × longest wait. The rate is measured only while there was always something to do,
 * as otherwise it tells how much was asked, not how much can be done (the "application-limited" samples of N. Cardwell et al., "BBR:
 * Congestion-Based Congestion Control", ACM Queue 2016). A crowd that is gone leaves the limit as it was.
 *
 * One that is refused as overload further down keeps its place until its time is over: so what is sent there in vain is never more
 * than what is answered.
 */
export class Intake {
  readonly #longestWaitMs: number;
  readonly #now: () => number;
  #limit = FIRST_LIMIT;
  #underWay = 0;
  /** When the places of those that were refused further down come free, soonest first. */
  readonly #kept: number[] = [];
  #measuredMs: number;
  #answered = 0;
  /** Places that were taken when the fewest were, since it was measured last. */
  #fewest = 0;

  constructor({ longestWaitMs, now = () => performance.now() }: IntakeOptions) {
    this.#longestWaitMs = longestWaitMs;
    this.#now = now;
    this.#measuredMs = now();
  }

  /** Whether the next one is turned away. */
  get isFull(): boolean {
    this.#measure();
    return this.#taken >= this.#limit;
  }

  /**
   * Does it, unless there is too much to do.
   *
   * @throws RequestError `overloaded`, without having begun
   */
  async admit<T>(work: () => Promise<T>): Promise<T> {
    if (this.isFull) throw overloaded();
    const admittedMs = this.#now();
    this.#underWay += 1;
    try {
      const answer = await work();
      this.#answered += 1;
      return answer;
    } catch (error) {
      const code = error instanceof RequestError ? error.code : "internal";
      if (REFUSALS.has(code)) this.#answered += 1;
      if (code === "overloaded") this.#kept.push(admittedMs + this.#longestWaitMs);
      throw error;
    } finally {
      this.#underWay -= 1;
      this.#measure();
    }
  }

  get #taken(): number {
    return this.#underWay + this.#kept.length;
  }

  #measure(): void {
    const now = this.#now();
    while ((this.#kept[0] ?? Number.POSITIVE_INFINITY) <= now) this.#kept.shift();
    this.#fewest = Math.min(this.#fewest, this.#taken);
    const elapsedMs = now - this.#measuredMs;
    if (elapsedMs < MEASURE_EVERY_MS) return;
    if (this.#fewest >= BUSY_FROM) {
      const right = (this.#answered / elapsedMs) * this.#longestWaitMs;
      // Halfway, because a short time tells the rate only roughly.
      this.#limit = Math.min(GREATEST_LIMIT, Math.max(LEAST_LIMIT, (this.#limit + right) / 2));
    }
    this.#measuredMs = now;
    this.#answered = 0;
    this.#fewest = this.#taken;
  }
}

/** The refusal of what would have to wait for too long. */
export function overloaded(cause?: unknown): RequestError {
  return new RequestError("overloaded", OVERLOADED_MESSAGE, { cause });
}
