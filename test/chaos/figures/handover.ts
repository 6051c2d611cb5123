/** What the time without a leader consists of, as the controllers' logs tell it. */
import type { Program } from "../world/program.ts";
import { describeDistribution } from "./distribution.ts";
import { logLines } from "./log-lines.ts";

/** In the order in which they follow each other; each with when it was over. */
const PHASES = ["told to end", "resigned", "another elected", "state loaded", "leads", "a write acknowledged"] as const;

/** Durations of each phase, over many handovers. */
export class Handovers {
  readonly #phases = new Map<string, number[]>(PHASES.map((phase) => [phase, []]));

  /**
   * One handover is over. What no log tells, as when a leader is killed, is part of the next phase.
   *
   * @param nextMs when the next one led
   * @param writtenMs when a write was acknowledged after that
   */
  add(former: Program, others: readonly Program[], atMs: number, nextMs: number, writtenMs: number): void {
    const logged = (programs: readonly Program[], message: string) =>
      logLines(programs, message).find((line) => line.atMs >= atMs && line.atMs <= nextMs);
    const elected = logged(others, "elected in etcd");
    const ends = [
      logged([former], "stopping")?.atMs,
      // Another may be elected before the former one has put this down.
      logged([former], "store closed")?.atMs,
      elected && elected.atMs - Number(elected.fields["tookMs"]),
      elected?.atMs,
      nextMs,
      writtenMs,
    ];
    let sinceMs = atMs;
    for (const [index, phase] of PHASES.entries()) {
      const endMs = ends[index];
      if (endMs === undefined) continue;
      this.#phases.get(phase)?.push(Math.max(0, endMs - sinceMs));
      sinceMs = Math.max(sinceMs, endMs);
    }
  }

  describe(name: string): string[] {
    const told = [...this.#phases].filter(([, durations]) => durations.length > 0);
    return told.map(([phase, durations]) => describeDistribution(`${name}: … ${phase}`, durations));
  }
}
