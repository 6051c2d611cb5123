import type { Clock } from "../../base/clock.ts";

/** The wall clock at the beginning of the world. */
export const EPOCH_MS = 1_700_000_000_000;

/** An event that may be taken back. */
export interface Scheduled {
  cancel(): void;
}

/** True time, in milliseconds since the beginning of the world, and what is to happen in it. */
export interface Time {
  readonly now: number;
  after(delayMs: number, actor: Actor | undefined, label: string, action: () => void): Scheduled;
}

/** One life of a process: it dies once, may be paused, and has a clock of its own. */
export class Actor implements Clock {
  readonly name: string;
  readonly clockRate: number;
  isAlive = true;
  pausedUntilMs = 0;
  readonly #time: Time;
  readonly #wallSkewMs: number;
  readonly #bootedAtMs: number;

  /** @param bootedAtMs of its host, in true time */
  constructor(time: Time, name: string, clock: { readonly rate: number; readonly skewMs: number }, bootedAtMs = 0) {
    this.#time = time;
    this.name = name;
    this.clockRate = clock.rate;
    this.#wallSkewMs = clock.skewMs;
    this.#bootedAtMs = bootedAtMs;
  }

  wallMs(): number {
    return EPOCH_MS + this.#wallSkewMs + this.#time.now * this.clockRate;
  }

  monotonicMs(): number {
    return (this.#time.now - this.#bootedAtMs) * this.clockRate;
  }

  /** Something that happens to it alone, in so many milliseconds of true time. */
  after(delayMs: number, label: string, action: () => void): void {
    this.#time.after(delayMs, this, label, action);
  }
}
