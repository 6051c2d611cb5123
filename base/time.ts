/** Pure functions over times and durations; the clocks are in clock.ts. */

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** By how much two hosts' clocks may differ in rate, for whoever must be sure what another's shows: agents and leaders mean the same. */
export const CLOCK_RATE_MARGIN = 0.1;

/** RFC 3339 in UTC, seconds when there is no fraction: `2024-01-15T10:30:00Z`. */
export function formatTimestamp(atMs: number): string {
  return new Date(atMs).toISOString().replace(".000Z", "Z");
}

/** A duration as Go prints it, to the second: `0s`, `4m30s`, `1h2m3s`. Negative durations are `0s`. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / SECOND_MS));
  const h = Math.floor(seconds / 3_600);
  const m = Math.floor((seconds % 3_600) / 60);
  const s = seconds % 60;
  if (h > 0) return `${h}h${m}m${s}s`;
  if (m > 0) return `${m}m${s}s`;
  return `${s}s`;
}

/** Parses `500ms`, `5s`, `15m`, `1h30m`, `2d`, or a bare number of seconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * SECOND_MS;
  if (!/^(\d+(ms|s|m|h|d))+$/.test(text)) return undefined;
  const unitMs: Record<string, number> = { ms: 1, s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (unitMs[unit ?? ""] ?? 0);
  }
  return total;
}
