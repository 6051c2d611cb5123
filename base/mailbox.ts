import { RequestError } from "./errors.ts";

/** A bounded queue that is emptied in batches. Full is an answer: `put` refuses with `overloaded`. */
export class Mailbox<T> {
  readonly #limit: number;
  #items: T[] = [];

  /** @param limit how many items may wait */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#items.length;
  }

  put(item: T): void {
    if (this.#items.length >= this.#limit) {
      throw new RequestError("overloaded", `too many requests are waiting (limit ${this.#limit}); try again later`);
    }
    this.#items.push(item);
  }

  /** Puts what must never be refused, such as a timer's tick or an agent's report of an end. */
  putAlways(item: T): void {
    this.#items.push(item);
  }

  /** Puts back what was taken and could not be dealt with: before all others, in this order. */
  putBack(items: readonly T[]): void {
    if (items.length > 0) this.#items = [...items, ...this.#items];
  }

  /** The oldest items, at most so many, removed. */
  take(limit: number): T[] {
    return limit >= this.#items.length ? this.takeAll() : this.#items.splice(0, limit);
  }

  takeAll(): T[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }
}
