/** Things to come by time; among equal times the one that was added first comes first. A binary heap. */
export class EventHeap<T> {
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #items: T[] = [];
  #added = 0;

  get size(): number {
    return this.#items.length;
  }

  /** Infinity when nothing is to come. */
  get nextAt(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  add(at: number, item: T): void {
    let child = this.#items.length;
    this.#times.push(at);
    this.#orders.push(this.#added++);
    this.#items.push(item);
    while (child > 0) {
      const parent = (child - 1) >>> 1;
      if (!this.#isBefore(child, parent)) return;
      this.#swap(parent, child);
      child = parent;
    }
  }

  /** Takes the first one that is due at `now`; undefined when none is. */
  takeDue(now: number): T | undefined {
    if (this.nextAt > now) return undefined;
    const last = this.#items.length - 1;
    this.#swap(0, last);
    this.#times.pop();
    this.#orders.pop();
    const item = this.#items.pop();
    this.#sink();
    return item;
  }

  #sink(): void {
    const size = this.#items.length;
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      if (left >= size) return;
      const child = left + 1 < size && this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#isBefore(child, parent)) return;
      this.#swap(parent, child);
      parent = child;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [x, y] = [this.#times[a] ?? 0, this.#times[b] ?? 0];
    return x < y || (x === y && (this.#orders[a] ?? 0) < (this.#orders[b] ?? 0));
  }

  #swap(a: number, b: number): void {
    swap(this.#times, a, b);
    swap(this.#orders, a, b);
    swap(this.#items, a, b);
  }
}

function swap<T>(list: T[], a: number, b: number): void {
  const x = list[a] as T;
  list[a] = list[b] as T;
  list[b] = x;
}
