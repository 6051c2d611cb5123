import { delay } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import { type LeaseMark, readLeaseMark } from "./lease-mark.ts";

const LOOK_EVERY_MS = 1_000;
/** So long after they should be gone; the rest of the agent's margin for the kill is the guard's. */
const LATE_MS = 2_000;

/** How the guard is doing. */
export interface GuardPulse {
  /** An agent has written down a lease. */
  readonly hasLease: boolean;
  readonly isOverdue: boolean;
  /** Since it was looked at last. */
  readonly sinceLookMs: number;
}

/** Where jobs of the agent may run. */
export interface Target {
  /** Begins to look what runs, so that it is known should nobody answer later. */
  look(mark: LeaseMark): void;
  /** Kills what may be started elsewhere; called again and again. Who does not answer is not waited for. */
  kill(mark: LeaseMark): Promise<void>;
}

export interface GuardOptions {
  readonly dataDir: string;
  readonly target: Target;
  readonly bootId: string;
  /** The agent's, which goes on over restarts. */
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Logger;
}

/**
 * Watches an agent's lease from a process of its own, and kills what the agent should have stopped by its end: one that hangs, is
 * paused, or does not come back can do nothing, and its jobs are about to be started elsewhere. It never kills what waits for its
 * node, nor anything before the agent's own deadline.
 */
export class Guard implements Service {
  readonly #options: GuardOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #lastMark: LeaseMark | undefined;
  #isOverdue = false;
  #complaint = "";
  #lookedAtMs: number;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#lookedAtMs = options.clock.monotonicMs();
    this.#running = this.#run();
  }

  pulse(): GuardPulse {
    const sinceLookMs = this.#options.clock.monotonicMs() - this.#lookedAtMs;
    return { hasLease: this.#lastMark !== undefined, isOverdue: this.#isOverdue, sinceLookMs };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (; !signal.aborted; await delay(LOOK_EVERY_MS, signal)) {
      const mark = await this.#read();
      this.#lookedAtMs = this.#options.clock.monotonicMs();
      if (!mark) {
        this.#complain(`no agent has written down a lease in ${this.#options.dataDir} yet`);
        continue;
      }
      const isOverdue = this.#hasPassed(mark);
      this.#tell(isOverdue);
      await this.#visit(mark, isOverdue);
    }
  }

  /** What cannot be read keeps what was read last: a lease does not end by that, nor go on. */
  async #read(): Promise<LeaseMark | undefined> {
    try {
      this.#lastMark = await readLeaseMark(this.#options.dataDir);
    } catch (error) {
      this.#complain(`the lease cannot be read: ${messageOf(error)}`);
    }
    return this.#lastMark;
  }

  /** Of a boot before nothing runs any more. */
  #hasPassed({ bootId, goneByMs }: LeaseMark): boolean {
    const { clock, bootId: thisBoot } = this.#options;
    return bootId === thisBoot && goneByMs !== null && clock.monotonicMs() >= goneByMs + LATE_MS;
  }

  #tell(isOverdue: boolean): void {
    if (isOverdue === this.#isOverdue) return;
    this.#isOverdue = isOverdue;
    const { log } = this.#options;
    if (isOverdue)
      log.warn("the lease is over, and its agent was to have stopped what may run elsewhere: what is left is killed");
    else log.info("the agent has a lease again");
  }

  async #visit(mark: LeaseMark, isOverdue: boolean): Promise<void> {
    const { target } = this.#options;
    try {
      if (isOverdue) await target.kill(mark);
      else target.look(mark);
    } catch (error) {
      this.#complain(`what runs cannot be seen: ${messageOf(error)}`);
    }
  }

  /** Loud once. */
  #complain(problem: string): void {
    if (problem !== this.#complaint) this.#options.log.warn({ problem }, "the guard cannot see everything");
    this.#complaint = problem;
  }
}
