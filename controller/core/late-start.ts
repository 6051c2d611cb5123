import type { JobId } from "../../base/ids.ts";
import { MINUTE_MS } from "../../base/time.ts";
import { type Job, waitsForStart } from "./model/job.ts";
import type { State } from "./model/state.ts";
import type { Outlook } from "./outlook.ts";
import type { Slices } from "./slices.ts";

/** The part of the jobs that is to start by the time that is told. */
const COVERAGE = 0.9;
/** Differences below this say nothing of the scheduler: a wait that is told as shorter counts as this when it is widened. */
const LEAST_WAIT_MS = 10 * MINUTE_MS;
/** How far one answer that came true, or did not, moves the next: the first ones far, and all others so far (logarithm of the factor). */
const LEAST_STEP = 0.1;
const QUICK_ANSWERS = 10;
/** What is told is at most so many times, and at least this part of, what the forecast says. */
const MAX_FACTOR = 10;
/** Answers that are remembered until they come true or not. */
const MAX_OPEN = 512;
/** With more jobs waiting none is asked about just to learn: it would cost too much. */
const MAX_JOBS_TO_LEARN = 2_000;

/** By when the next attempt of a job was told to start. */
interface Told {
  readonly by: number;
  readonly attempt: number;
}

/**
 * By when a waiting job will have started, nine times in ten. The forecast with long running times (their 90 % quantile)
 * knows nothing of jobs that are yet to come and go first, and so it is widened by a factor that is learnt from how such
 * answers have fared: a little more after each that was too early, a ninth of that less after each that held. Whatever the
 * load is like, nine in ten then hold in the long run.
 *
 * Source: Gibbs and Candès, "Adaptive Conformal Inference Under Distribution Shift", NeurIPS 2021; on the logarithm of the
 * wait, since waits range over orders of magnitude.
 */
export class LateStarts {
  readonly #open = new Map<JobId, Told>();
  #factorLog = 0;
  #answers = 0;
  /** The newest job that was looked at. */
  #seen: JobId | undefined;

  /** What the forecast's wait is multiplied by. */
  get factor(): number {
    return Math.exp(this.#factorLog);
  }

  /** When the job will have started; undefined when that cannot be told, or the job does not wait. */
  *startsBy(job: Job, outlook: Outlook): Slices<number | undefined> {
    if (!waitsForStart(job)) return undefined;
    const { at } = outlook;
    const { at: lateAt } = yield* outlook.lateStartOf(job.id);
    return lateAt === undefined ? undefined : at + Math.round(Math.max(lateAt - at, LEAST_WAIT_MS) * this.factor);
  }

  /** Learns from what has come of earlier answers, and takes down one for the newest job that waits. To be done now and then. */
  *look(state: State, at: number, outlook: () => Outlook): Slices<void> {
    for (const [id, told] of this.#open) this.#judge(id, told, state.jobs.get(id), at);
    if (this.#open.size >= MAX_OPEN || state.queue.size > MAX_JOBS_TO_LEARN) return;
    const newest = newestOf(state);
    if (!newest || newest.id === this.#seen) return;
    this.#seen = newest.id;
    const by = yield* this.startsBy(newest, outlook());
    if (by !== undefined) this.#open.set(newest.id, { by, attempt: newest.attempt });
  }

  #judge(id: JobId, { by, attempt }: Told, job: Job | undefined, at: number): void {
    if (job && job.attempt > attempt) this.#learn(id, (job.placedAt ?? at) <= by);
    else if (!job || !waitsForStart(job)) this.#open.delete(id);
    else if (at > by) this.#learn(id, false);
  }

  #learn(id: JobId, held: boolean): void {
    this.#open.delete(id);
    const step = Math.max(LEAST_STEP, QUICK_ANSWERS / (QUICK_ANSWERS + this.#answers));
    this.#answers += 1;
    const moved = this.#factorLog + step * (held ? COVERAGE - 1 : COVERAGE);
    this.#factorLog = Math.min(Math.log(MAX_FACTOR), Math.max(-Math.log(MAX_FACTOR), moved));
  }
}

function newestOf(state: State): Job | undefined {
  let newest: Job | undefined;
  for (const group of state.queue.groups) {
    for (const job of group) if (!newest || job.id > newest.id) newest = job;
  }
  return newest;
}
