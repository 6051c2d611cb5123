/** Lets one fault happen after the other, as chance will have it. */
import { delay } from "../../../base/abort.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Random } from "../../support/random.ts";
import type { Cluster } from "../world/cluster.ts";
import type { Fault } from "./fault.ts";

/** Between two faults. */
const LONGEST_QUIET_MS = 5_000;

export interface NemesisOptions {
  readonly cluster: Cluster;
  readonly faults: readonly Fault[];
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** Resolves, once the signal has aborted, with how often each fault happened. */
export async function torment(options: NemesisOptions): Promise<ReadonlyMap<string, number>> {
  const { cluster, faults, random, signal, print } = options;
  const counts = new Map<string, number>();
  const startedMs = performance.now();
  while (!signal.aborted) {
    const fault = nextFault(faults, counts, random);
    if (!fault) return counts;
    const second = ((performance.now() - startedMs) / 1_000).toFixed(1);
    let what: string;
    try {
      what = await fault.happen({ cluster, random, signal });
    } catch (error) {
      throw new Error(`the fault ${fault.name} could not happen: ${messageOf(error)}`, { cause: error });
    }
    counts.set(fault.name, (counts.get(fault.name) ?? 0) + 1);
    print(`${second.padStart(7)} s  ${fault.name}: ${what}`);
    await delay(random.between(0, LONGEST_QUIET_MS), signal);
  }
  return counts;
}

/** Those that have not happened yet go first: a short run should have as many kinds as it can. */
function nextFault(faults: readonly Fault[], counts: ReadonlyMap<string, number>, random: Random): Fault | undefined {
  const fresh = faults.filter(({ name }) => !counts.has(name));
  return random.pick(fresh.length > 0 ? fresh : faults);
}
