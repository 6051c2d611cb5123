/** Faults by chance, for as long as is asked. */
import { setTimeout as sleep } from "node:timers/promises";
import { selectFaults } from "./nemesis/faults.ts";
import { torment } from "./nemesis/nemesis.ts";
import type { Options } from "./options.ts";
import { runSession } from "./session.ts";
import type { Timing } from "./world/cluster.ts";

const TIMING: Timing = { electionTtlS: 5, heartbeatS: 1, nodeUnreachableAfterS: 5, nodeLostAfterS: 25 };
const SIZE = { controllers: 3, gateways: 2, gpusPerAgent: 2, operationsPerSecond: 8, timing: TIMING };

/** @returns the exit code */
export function runScenario(options: Options, isInSandbox: boolean): Promise<number> {
  return runSession(options, isInSandbox, { ...SIZE, agents: options.agents }, async ({ cluster, random }) => {
    const faults = selectFaults(cluster, options.nemesis);
    const over = new AbortController();
    const print = (line: string) => console.log(line);
    const tormenting = torment({ cluster, faults, random, signal: over.signal, print });
    const ending = sleep(options.minutes * 60_000).then(() => over.abort());
    const [counts] = await Promise.all([tormenting, ending]);
    console.log(`faults: ${[...counts].map(([name, count]) => `${count} ${name}`).join(", ")}`);
  });
}
