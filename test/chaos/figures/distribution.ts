/** Durations, as a line: how many, and how they are distributed. */
export function describeDistribution(what: string, durationsMs: readonly number[]): string {
  const sorted = durationsMs.toSorted((one, other) => one - other);
  const at = (share: number) => seconds(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  const parts = [`min ${at(0)}`, `p50 ${at(0.5)}`, `p90 ${at(0.9)}`, `p99 ${at(0.99)}`, `max ${at(1)}`];
  return `${what} (${sorted.length}): ${parts.join(", ")} s`;
}

function seconds(durationMs: number | undefined): string {
  return durationMs === undefined ? "-" : (durationMs / 1_000).toFixed(2);
}
