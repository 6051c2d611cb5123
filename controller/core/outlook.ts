import type { JobId } from "../../base/ids.ts";
import { Forecast } from "./forecast.ts";
import type { State } from "./model/state.ts";
import { copyOf, type Snapshot, snapshotOf } from "./snapshot.ts";
import type { Slices } from "./slices.ts";

/** With more jobs waiting nothing is foretold: to copy them alone would cost too much. */
export const MAX_JOBS = 20_000;
/** What a forecast may cost, see {@link Forecast.work}: a second or two of one core. */
const MAX_WORK = 600_000;

/** The quantile of running times of a late start. */
const LATE = 0.9;

/** When a job will start. */
export interface Start {
  /** Undefined when it cannot be told. */
  readonly at: number | undefined;
  /** Whether it cannot be told only because it would take too long to look so far ahead. */
  readonly isTooFar: boolean;
}

/**
 * What can be told of the future from one moment on. All who ask about the same moment share one forecast, which is run only
 * as far as somebody asks.
 */
export class Outlook {
  readonly at: number;
  readonly isTooLarge: boolean;
  readonly maxWork: number;
  readonly #snapshot: Snapshot | undefined;
  readonly #expected: Shared;
  readonly #late: Shared;

  /** @param maxWork beyond it nothing is foretold: what must not depend on the machine is not bounded by time */
  constructor(state: State, at: number, maxWork = MAX_WORK) {
    this.at = at;
    this.maxWork = maxWork;
    this.isTooLarge = state.queue.size > MAX_JOBS;
    this.#snapshot = this.isTooLarge ? undefined : snapshotOf(state, at);
    this.#expected = new Shared(() => this.another());
    this.#late = new Shared(() => this.another(LATE));
  }

  /** When the job will start if nothing else happens. */
  startOf(id: JobId): Slices<Start> {
    return this.#startIn(this.#expected, id);
  }

  /** The same if jobs whose running time is predicted run longer than nine in ten of their like. */
  lateStartOf(id: JobId): Slices<Start> {
    return this.#startIn(this.#late, id);
  }

  /**
   * A forecast of one's own from the same moment on, in which other things may happen; undefined when there are too many jobs.
   *
   * @param quantile of past running times, 0 … 1, to take unless the policy's is higher
   */
  *another(quantile?: number): Slices<Forecast | undefined> {
    return this.#snapshot && new Forecast(yield* copyOf(this.#snapshot, quantile), this.at);
  }

  *#startIn(shared: Shared, id: JobId): Slices<Start> {
    const forecast = yield* shared.forecast();
    while (forecast && !forecast.starts.has(id) && !forecast.isOver && forecast.work < this.maxWork) {
      forecast.step();
      yield;
    }
    const at = forecast?.starts.get(id);
    return { at, isTooFar: at === undefined && !forecast?.isOver };
  }
}

/** A forecast that is made when somebody first asks for it. */
class Shared {
  readonly #make: () => Slices<Forecast | undefined>;
  #forecast: Forecast | undefined;
  /** Somebody is at work on it. */
  #isBeingMade = false;

  constructor(make: () => Slices<Forecast | undefined>) {
    this.#make = make;
  }

  *forecast(): Slices<Forecast | undefined> {
    while (this.#isBeingMade) yield;
    if (this.#forecast) return this.#forecast;
    this.#isBeingMade = true;
    try {
      this.#forecast = yield* this.#make();
    } finally {
      this.#isBeingMade = false;
    }
    return this.#forecast;
  }
}
