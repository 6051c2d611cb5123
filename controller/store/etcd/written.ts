/** etcd writes to its file a little later than it answers, and counts only then: what was written shortly before a look may be in none of its numbers. */
const SETTLES_MS = 500;
/** What is written within so much time is kept as one. */
const GRAIN_MS = 50;

/** What has been written that no look at etcd's size has counted yet. */
export class Written {
  readonly #parts: { readonly atMs: number; bytes: number }[] = [];

  get bytes(): number {
    return this.#parts.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** @param atMs monotonic */
  note(bytes: number, atMs: number): void {
    const last = this.#parts.at(-1);
    if (last && atMs - last.atMs < GRAIN_MS) last.bytes += bytes;
    else this.#parts.push({ atMs, bytes });
    // Members that do not answer for long: nothing is lost by counting it together.
    const [first, second] = this.#parts;
    if (first && second && this.#parts.length > 2 * (SETTLES_MS / GRAIN_MS)) {
      this.#parts.splice(0, 2, { atMs: second.atMs, bytes: first.bytes + second.bytes });
    }
  }

  /** A look that began then has its answer. */
  noteLook(beganAtMs: number): void {
    while ((this.#parts[0]?.atMs ?? Number.POSITIVE_INFINITY) < beganAtMs - SETTLES_MS - GRAIN_MS) this.#parts.shift();
  }
}
