import type { JobId } from "../../../base/ids.ts";
import type { Job } from "./job.ts";

/** What has become of the jobs of an array so far. */
interface Progress {
  /** Have not ended yet. */
  outstanding: number;
  /** Have ended otherwise than completed. */
  failed: number;
}

/**
 * Who waits for whom. Whoever waits for an array waits for it as a whole, and its jobs are counted: were each of them named,
 * an array of ten thousand that waits for another would be a hundred million names, in memory and in rows.
 */
export class Dependents {
  /** Held jobs by the job or the array that they wait for. */
  readonly #waiting = new Map<JobId, Set<JobId>>();
  readonly #progress = new Map<JobId, Progress>();
  /** By job or array: how many jobs that are not over name it, or one of its jobs, among their dependencies. */
  readonly #needed = new Map<JobId, number>();

  /** Puts the job's part in, or takes it out. */
  count(job: Job, sign: 1 | -1): void {
    if (job.array) this.#countMember(job, job.array.id, sign);
    if (job.phase !== "held" || job.hold.kind !== "dependencies") return;
    for (const id of job.hold.on) {
      const waiting = this.#waiting.get(id) ?? new Set();
      if (sign === 1) this.#waiting.set(id, waiting.add(job.id));
      else if (waiting.delete(job.id) && waiting.size === 0) this.#waiting.delete(id);
    }
  }

  #countMember(job: Job, arrayId: JobId, sign: 1 | -1): void {
    const progress = this.#progress.get(arrayId) ?? { outstanding: 0, failed: 0 };
    this.#progress.set(arrayId, progress);
    if (job.phase !== "finished") progress.outstanding += sign;
    else if (job.outcome.kind !== "completed") progress.failed += sign;
  }

  /** A job that is not over depends on the jobs and arrays, or does not any more. */
  need(ids: readonly JobId[], sign: 1 | -1): void {
    for (const id of ids) {
      const count = (this.#needed.get(id) ?? 0) + sign;
      if (count > 0) this.#needed.set(id, count);
      else this.#needed.delete(id);
    }
  }

  /** Whether a job that is not over depends on the job, or on the array or one of its jobs. */
  isNeeded(id: JobId): boolean {
    return this.#needed.has(id);
  }

  /** The array is not kept any more. */
  forget(arrayId: JobId): void {
    this.#progress.delete(arrayId);
  }

  /** Of an array; nothing for what is none. */
  progressOf(arrayId: JobId): Readonly<Progress> {
    return this.#progress.get(arrayId) ?? NOTHING;
  }

  /** Who waits for the job or the array, in the order in which they came. */
  waitingFor(id: JobId): Iterable<JobId> {
    return this.#waiting.get(id) ?? [];
  }
}

const NOTHING: Readonly<Progress> = { outstanding: 0, failed: 0 };
