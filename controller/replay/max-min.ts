/**
 * The max-min fair division of `capacity` among demands: everybody gets what he asks up to a common level, which is as high
 * as the capacity allows. (Bertsekas and Gallager, "Data Networks", 1992, 6.5.2: progressive filling of one link.)
 *
 * @returns the shares, in the order of the demands
 */
export function maxMinShares(demands: readonly number[], capacity: number): number[] {
  const level = maxMinLevel(demands, capacity);
  return demands.map((demand) => Math.min(demand, level));
}

function maxMinLevel(demands: readonly number[], capacity: number): number {
  let left = capacity;
  const sorted = [...demands].sort((a, b) => a - b);
  for (const [index, demand] of sorted.entries()) {
    const level = left / (sorted.length - index);
    if (demand > level) return level;
    left -= demand;
  }
  return Number.POSITIVE_INFINITY;
}
