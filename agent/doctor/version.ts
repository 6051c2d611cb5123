/** Versions of other programs, and which of them have known holes. */

/** What is known to be wrong with a program up to a version. */
export interface Flaw {
  /** Its name, such as `CVE-2025-31133`. */
  readonly id: string;
  /** The first version of each series (major and minor number) without it, oldest first; series below the first were never mended. */
  readonly fixedIn: readonly string[];
}

/** The flaws of that version; undefined for a version that cannot be read. */
export function flawsOf(version: string, flaws: readonly Flaw[]): readonly Flaw[] | undefined {
  const parsed = parse(version);
  return parsed && flaws.filter(({ fixedIn }) => !isMended(parsed, fixedIn));
}

/** Negative when the first is the older one; 0 too where one of them cannot be read. */
export function compareVersions(one: string, other: string): number {
  const [first, second] = [parse(one), parse(other)];
  return first && second ? compare(first, second) : 0;
}

/** The first version in a text, such as `1.17.8` in `NVIDIA Container Toolkit CLI version 1.17.8`. */
export function versionIn(text: string): string | undefined {
  return /\d+(?:\.\d+)+(?:[-~]?rc\.?\d+)?/.exec(text)?.[0];
}

interface Version {
  readonly numbers: readonly number[];
  /** Of a candidate for it, its number; a version itself comes after all of its candidates. */
  readonly candidate: number;
}

function parse(text: string): Version | undefined {
  const [, numbers, candidate] = /^v?(\d+(?:\.\d+)*)(?:[-~]?rc\.?(\d+))?/.exec(text.trim()) ?? [];
  if (numbers === undefined) return undefined;
  return {
    numbers: numbers.split(".").map(Number),
    candidate: candidate === undefined ? Number.POSITIVE_INFINITY : Number(candidate),
  };
}

function compare(one: Version, other: Version): number {
  for (let at = 0; at < Math.max(one.numbers.length, other.numbers.length); at += 1) {
    const difference = (one.numbers[at] ?? 0) - (other.numbers[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.candidate === other.candidate ? 0 : one.candidate - other.candidate;
}

function isMended(version: Version, fixedIn: readonly string[]): boolean {
  const fixes = fixedIn.flatMap((fix) => parse(fix) ?? []);
  const isLater = fixes.every((fix) => compare(version, fix) >= 0);
  return isLater || fixes.some((fix) => isSameSeries(version, fix) && compare(version, fix) >= 0);
}

function isSameSeries({ numbers: one }: Version, { numbers: other }: Version): boolean {
  return one[0] === other[0] && one[1] === other[1];
}
