/** `baseMs × 2ⁿ` up to `maxMs`, for the n-th retry counted from 0. */
export function exponentialBackoffMs(retry: number, baseMs: number, maxMs: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(retry, 40));
}

/** Between half of the delay and all of it, so that many clients do not come back together. `random` is in [0, 1). */
export function withJitter(delayMs: number, random: () => number = Math.random): number {
  return delayMs / 2 + random() * (delayMs / 2);
}
