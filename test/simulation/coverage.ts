/** Counts what the seeds have really met: a fault that never happens tests nothing. */
export class Coverage {
  readonly #counts = new Map<string, number>();

  count(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  add(other: Coverage): void {
    for (const [what, times] of other.#counts) this.count(what, times);
  }

  get(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** One line for each, in order of name. */
  lines(): string[] {
    const sorted = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([what, times]) => `${String(times).padStart(9)}  ${what}`);
  }
}
