/** Chance that can be repeated: the same seed gives the same numbers. (mulberry32, Tommy Ettinger, public domain.) */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** One of the items; undefined only of an empty list. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.between(0, items.length - 1)];
  }

  /** The same items in an order drawn by chance. */
  shuffle<T>(items: readonly T[]): T[] {
    const drawn = items.map((item) => ({ item, draw: this.next() }));
    return drawn.sort((a, b) => a.draw - b.draw).map(({ item }) => item);
  }
}
