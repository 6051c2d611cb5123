import { Heap } from "../core/model/heap.ts";

interface Entry<T> {
  readonly at: number;
  readonly order: number;
  readonly item: T;
}

/** Things to come by time; among equal times the one that was added first comes first. */
export class EventHeap<T> {
  readonly #heap = new Heap<Entry<T>>((a, b) => a.at - b.at || a.order - b.order);
  #added = 0;

  get size(): number {
    return this.#heap.size;
  }

  /** Infinity when nothing is to come. */
  get nextAt(): number {
    return this.#heap.first?.at ?? Number.POSITIVE_INFINITY;
  }

  add(at: number, item: T): void {
    this.#heap.add({ at, order: this.#added++, item });
  }

  /** Takes the first one that is due at `now`; undefined when none is. */
  takeDue(now: number): T | undefined {
    return this.nextAt <= now ? this.#heap.take()?.item : undefined;
  }
}
