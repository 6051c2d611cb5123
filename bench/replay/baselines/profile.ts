import type { Pool, Shape } from "./pool.ts";

/** What is free from a time on, node by node. */
interface Step {
  readonly at: number;
  readonly free: Int32Array;
}

/** GPUs that are free now and later: steps in time, the last of which lasts for ever. Times in milliseconds. */
export class Profile {
  readonly #pool: Pool;
  readonly #steps: Step[];

  /** Nothing is given back yet: {@link change} says when. */
  constructor(pool: Pool, now: number) {
    this.#pool = pool;
    this.#steps = [{ at: now, free: pool.free.slice() }];
  }

  /** From then until then each of the nodes has so many GPUs more, or fewer if it is negative. */
  change(nodes: readonly number[], gpus: number, from: number, until = Number.POSITIVE_INFINITY): void {
    const first = this.#cut(from);
    const last = until === Number.POSITIVE_INFINITY ? this.#steps.length : this.#cut(until);
    for (const { free } of this.#steps.slice(first, last)) {
      for (const node of nodes) free[node] = (free[node] ?? 0) + gpus;
    }
  }

  /** The earliest time at which the job fits and goes on to fit for so long, and where. */
  earliest(shape: Shape, forMs: number): { readonly at: number; readonly nodes: readonly number[] } | undefined {
    for (const [index, { at }] of this.#steps.entries()) {
      const nodes = this.#pool.fit(shape, this.#least(index, at + forMs));
      if (nodes) return { at, nodes };
    }
    return undefined;
  }

  /** What is free on each node all the time from a step to a time. */
  #least(first: number, until: number): Int32Array {
    const least = this.#steps[first]?.free.slice() ?? new Int32Array();
    for (let index = first + 1; (this.#steps[index]?.at ?? until) < until; index += 1) {
      for (const [node, free] of this.#steps[index]?.free.entries() ?? []) {
        if (free < (least[node] ?? 0)) least[node] = free;
      }
    }
    return least;
  }

  /** The step that begins at this time, which is not before the first. */
  #cut(at: number): number {
    const index = this.#steps.findLastIndex((step) => step.at <= at);
    const before = this.#steps[index];
    if (!before || before.at === at) return Math.max(0, index);
    this.#steps.splice(index + 1, 0, { at, free: before.free.slice() });
    return index + 1;
  }
}
