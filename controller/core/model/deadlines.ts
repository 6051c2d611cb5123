import type { JobId, NodeName } from "../../../base/ids.ts";

/** What is to be looked at again at a time. An entry that no longer holds is ignored by whoever looks. */
export type Deadline =
  | { readonly at: number; readonly kind: "job"; readonly jobId: JobId }
  | { readonly at: number; readonly kind: "node"; readonly node: NodeName };

/** A binary heap by time. */
export class DeadlineQueue {
  readonly #heap: Deadline[] = [];

  /** The earliest time, undefined when there is none. */
  get nextAt(): number | undefined {
    return this.#heap[0]?.at;
  }

  add(deadline: Deadline): void {
    const heap = this.#heap;
    heap.push(deadline);
    let child = heap.length - 1;
    while (child > 0) {
      const parent = (child - 1) >>> 1;
      if (this.#at(parent) <= this.#at(child)) return;
      this.#swap(parent, child);
      child = parent;
    }
  }

  /** Takes the earliest one that is due at `now`; undefined when none is. */
  takeDue(now: number): Deadline | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (!first || first.at > now) return undefined;
    const last = heap.pop();
    if (last && heap.length > 0) {
      heap[0] = last;
      this.#sink();
    }
    return first;
  }

  #sink(): void {
    let parent = 0;
    for (;;) {
      const left = 2 * parent + 1;
      if (left >= this.#heap.length) return;
      const child = left + 1 < this.#heap.length && this.#at(left + 1) < this.#at(left) ? left + 1 : left;
      if (this.#at(parent) <= this.#at(child)) return;
      this.#swap(parent, child);
      parent = child;
    }
  }

  #at(index: number): number {
    return this.#heap[index]?.at ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x && y) {
      this.#heap[a] = y;
      this.#heap[b] = x;
    }
  }
}
