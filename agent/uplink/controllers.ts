/** How many hints are followed one after the other without a Welcome: controllers that point at each other end here. */
const MAX_HINTS = 3;

/** Which controller is tried next: the one that was named as leader, else each of the given ones in turn. */
export class Controllers {
  readonly #addresses: readonly string[];
  #next = 0;
  #hinted: string | undefined;
  #hints = 0;

  /** @param addresses `host:port`, at least one */
  constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
  }

  /** The address to dial now. */
  next(): string {
    const hinted = this.#hinted;
    this.#hinted = undefined;
    if (hinted !== undefined) return hinted;
    const address = this.#addresses[this.#next % this.#addresses.length] ?? "";
    this.#next += 1;
    return address;
  }

  /** The leader's address as `from` told it. False when it is not worth following at once. */
  follow(leader: string | undefined, from: string): boolean {
    if (leader === undefined || leader === "" || leader === from || this.#hints >= MAX_HINTS) {
      this.#hints = 0;
      return false;
    }
    this.#hints += 1;
    this.#hinted = leader;
    return true;
  }

  /** A leader has answered: the next hint is the first of its kind. */
  welcomed(): void {
    this.#hints = 0;
  }
}
