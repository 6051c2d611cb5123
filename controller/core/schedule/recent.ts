/** What was worked out for some kinds of job, by kind: that which was asked for last. */
export class Recent<T> {
  readonly #max: number;
  readonly #byKey = new Map<string, { readonly value: T; askedAt: number }>();
  #asked = 0;

  /** @param max beyond so many the one asked for longest ago is forgotten: each costs some bytes for every node */
  constructor(max: number) {
    this.#max = max;
  }

  /** That of this key, made if there is none. */
  recall(key: string, make: () => T): T {
    this.#asked += 1;
    const known = this.#byKey.get(key);
    if (known) {
      known.askedAt = this.#asked;
      return known.value;
    }
    const value = make();
    this.#byKey.set(key, { value, askedAt: this.#asked });
    if (this.#byKey.size > this.#max) this.#forgetOldest();
    return value;
  }

  /** What they were made with no longer holds. */
  clear(): void {
    this.#byKey.clear();
  }

  #forgetOldest(): void {
    let [oldest, oldestAt] = ["", this.#asked];
    for (const [key, { askedAt }] of this.#byKey) if (askedAt < oldestAt) [oldest, oldestAt] = [key, askedAt];
    this.#byKey.delete(oldest);
  }
}
