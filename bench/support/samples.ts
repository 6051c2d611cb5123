/** Times in one unit, of which the middle and the tail are of interest. */
export class Samples {
  readonly #values: number[] = [];

  add(value: number): void {
    this.#values.push(value);
  }

  addAll(others: Samples): void {
    for (const value of others.#values) this.add(value);
  }

  get count(): number {
    return this.#values.length;
  }

  /** The smallest value that the given part of all samples does not exceed (nearest rank). */
  percentile(percent: number): number {
    const sorted = this.#values.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
  }

  /** `p50 0.31 ms, p99 1.2 ms` */
  summary(unit: string): string {
    const [p50, p99] = [50, 99].map((percent) => Number(this.percentile(percent).toPrecision(3)));
    return `p50 ${p50} ${unit}, p99 ${p99} ${unit}`;
  }
}
