/** Who has used the processors: a figure that was taken on a shared machine says little without it. */
import { readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import type { Cluster } from "../world/cluster.ts";
import type { Program } from "../world/program.ts";

/** Of the clock in which Linux counts processor time for programs, whatever its own is. */
const TICKS_PER_SECOND = 100;

/** Cores in use, by whom, since it was made. */
export class Processors {
  readonly #groups: Readonly<Record<string, readonly Program[]>>;
  readonly #before: Readonly<Record<string, number>>;
  readonly #wholeBeforeS = wholeMachineS();
  readonly #startedMs = performance.now();

  constructor({ gateways, controllers, members, agents }: Cluster) {
    this.#groups = { gateways, controllers, etcd: members, agents: agents.map(({ program }) => program) };
    this.#before = this.#usedS();
  }

  /** @param generatorS seconds of processor time that the generator has used meanwhile */
  describe(generatorS: number): string {
    const elapsedS = (performance.now() - this.#startedMs) / 1_000;
    const used = Object.entries(this.#usedS()).map(
      ([group, seconds]) => [group, seconds - (this.#before[group] ?? 0)] as const,
    );
    const known = [["generator", generatorS] as const, ...used];
    const othersS = wholeMachineS() - this.#wholeBeforeS - known.reduce((sum, [, seconds]) => sum + seconds, 0);
    const parts = [...known, ["all else", othersS] as const].map(
      ([group, seconds]) => `${group} ${(seconds / elapsedS).toFixed(2)}`,
    );
    const load = loadavg()[0]?.toFixed(1);
    return `of ${availableParallelism()} cores: ${parts.join(", ")}; load average ${load}`;
  }

  #usedS(): Record<string, number> {
    return Object.fromEntries(
      Object.entries(this.#groups).map(([group, programs]) => [
        group,
        programs.reduce((sum, one) => sum + usedS(one), 0),
      ]),
    );
  }
}

function usedS({ pid }: Program): number {
  if (pid === undefined) return 0;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // After the name, which may hold anything: user and system time are the 12th and 13th of what follows.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** All that was not idle, nor waiting for a disk. */
function wholeMachineS(): number {
  const [, user, nice, system, , , irq, softirq] = (readFileSync("/proc/stat", "latin1").split("\n")[0] ?? "")
    .split(/\s+/)
    .map(Number);
  return ((user ?? 0) + (nice ?? 0) + (system ?? 0) + (irq ?? 0) + (softirq ?? 0)) / TICKS_PER_SECOND;
}
