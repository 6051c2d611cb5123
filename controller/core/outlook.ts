import type { JobId } from "../../base/ids.ts";
import { Forecast } from "./forecast.ts";
import type { State } from "./model/state.ts";
import { copyOf, type Snapshot, snapshotOf } from "./snapshot.ts";
import type { Slices } from "./slices.ts";

/** With more jobs waiting nothing is foretold: to copy them alone would cost too much. */
export const MAX_JOBS = 20_000;
/** What a forecast may cost, see {@link Forecast.work}: a second or two of one core. */
const MAX_WORK = 600_000;

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
  #forecast: Forecast | undefined;
  /** Somebody is at work on it. */
  #isBeingMade = false;

  /** @param maxWork beyond it nothing is foretold: what must not depend on the machine is not bounded by time */
  constructor(state: State, at: number, maxWork = MAX_WORK) {
    this.at = at;
    this.maxWork = maxWork;
    this.isTooLarge = state.queue.size > MAX_JOBS;
    this.#snapshot = this.isTooLarge ? undefined : snapshotOf(state, at);
  }

  /** When the job will start if nothing else happens. */
  *startOf(id: JobId): Slices<Start> {
    const forecast = yield* this.#shared();
    while (forecast && !forecast.starts.has(id) && !forecast.isOver && forecast.work < this.maxWork) {
      forecast.step();
      yield;
    }
    const at = forecast?.starts.get(id);
    return { at, isTooFar: at === undefined && !forecast?.isOver };
  }

  /** A forecast of one's own from the same moment on, in which other things may happen; undefined when there are too many jobs. */
  *another(): Slices<Forecast | undefined> {
    return this.#snapshot && new Forecast(yield* copyOf(this.#snapshot), this.at);
  }

  *#shared(): Slices<Forecast | undefined> {
    while (this.#isBeingMade) yield;
    if (this.#forecast) return this.#forecast;
    this.#isBeingMade = true;
    try {
      this.#forecast = yield* this.another();
    } finally {
      this.#isBeingMade = false;
    }
    return this.#forecast;
  }
}
