/** Orders text with the numbers in it by value: node-2 before node-10. */
export function compareNatural(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x = "", y = ""] = [left[i], right[i]];
    if (x === y) continue;
    const numeric = Number(x) - Number(y);
    if (!Number.isNaN(numeric) && numeric !== 0) return numeric;
    return x < y ? -1 : 1;
  }
  return left.length - right.length;
}
