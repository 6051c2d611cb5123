import type { JobId } from "../../../base/ids.ts";

interface Past {
  /** When the last of its jobs ended. */
  readonly endedAt: number;
  readonly jobs: number;
}

/** What is over: jobs, and arrays as a whole once the last of their jobs has ended. What ended first is in front. */
export class PastJobs {
  readonly #past = new Map<JobId, Past>();
  #count = 0;

  /** How many jobs these are, those of arrays counted one by one. */
  get count(): number {
    return this.#count;
  }

  has(id: JobId): boolean {
    return this.#past.has(id);
  }

  /** What ended first is first. */
  [Symbol.iterator](): Iterator<readonly [JobId, Past]> {
    return this.#past[Symbol.iterator]();
  }

  /** The job or the array is over. */
  add(id: JobId, { endedAt, jobs }: Past): void {
    const before = this.#past.get(id);
    if (before) this.delete(id);
    this.#past.set(id, { endedAt: Math.max(endedAt, before?.endedAt ?? 0), jobs });
    this.#count += jobs;
  }

  /** It is not over after all, or is forgotten. */
  delete(id: JobId): void {
    this.#count -= this.#past.get(id)?.jobs ?? 0;
    this.#past.delete(id);
  }

  /** Brings what was added in any other order into its own: once, after loading. */
  sort(): void {
    const sorted = [...this.#past].sort(([a, one], [b, other]) => one.endedAt - other.endedAt || (a < b ? -1 : 1));
    this.#past.clear();
    for (const [id, past] of sorted) this.#past.set(id, past);
  }
}
