/** Which faults at which calls: as many as are asked for, evenly chosen. */
import type { Beginning, CrashPoint, CrashPoints, Fault } from "./crash-point.ts";

/** How many of a hundred points each gets, as far as it has so many calls; kills get what is left. */
const SHARES: readonly (readonly [Beginning, Fault, number])[] = [
  ["new", "one sync fails", 8],
  ["killed", "one sync fails", 8],
  ["new", "the disk is full", 7],
  ["killed", "the disk is full", 7],
  ["killed", "all syncs fail", 5],
  ["new", "kill", 35],
  ["killed", "kill", 100],
];
/** Processes at once: each waits for the disk most of the time. */
const AT_ONCE = 2;

/** What came of the points. */
export interface Findings {
  readonly points: number;
  /** Of how many there are. */
  readonly calls: number;
  readonly problems: readonly string[];
}

/** Runs so many points. The same number means the same points. */
export async function runPoints(crashPoints: CrashPoints, points: number): Promise<Findings> {
  const problems: string[] = [];
  const todo: CrashPoint[] = [];
  let all = 0;
  for (const [beginning, fault, share] of SHARES) {
    const calls = await crashPoints.callsOf(beginning, fault);
    all += calls.length;
    const chosen = Math.min(calls.length, points - todo.length, Math.max(1, Math.round((points * share) / 100)));
    for (let n = 0; n < chosen; n += 1) {
      todo.push({ beginning, fault, calls, index: Math.floor((n * calls.length) / chosen) });
    }
  }
  const queue = [...todo];
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const problem = await crashPoints.run(next);
      if (problem !== undefined) problems.push(problem);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { points: todo.length, calls: all, problems };
}
