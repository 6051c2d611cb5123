/** Faults by chance, for as long as is asked. */
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { withSbin } from "../support/busybox-root.ts";
import { faultsNamed, possible } from "./nemesis/faults.ts";
import { torment } from "./nemesis/nemesis.ts";
import type { Options } from "./options.ts";
import { runSession } from "./session.ts";
import type { Timing } from "./world/cluster-options.ts";

/** An agent that was killed must be back before its node is lost, also on a machine that has much else to do. */
const TIMING: Timing = { electionTtlS: 5, heartbeatS: 1, nodeUnreachableAfterS: 5, nodeLostAfterS: 40 };
const SIZE = { gateways: 2, gpusPerAgent: 2, operationsPerSecond: 8, timing: TIMING };
/** Where the state is kept, and by how many. */
const STORES = { etcd: { members: 3, controllers: 3 }, embedded: { members: 0, controllers: 1 } };

/** @returns the exit code */
export function runScenario(options: Options, isInSandbox: boolean): Promise<number> {
  const { store, agents } = options;
  const wanted = faultsNamed(options.nemesis);
  const engines = enginesOf(options, isInSandbox);
  return runSession(
    options,
    isInSandbox,
    { ...SIZE, ...STORES[store], agents, engines },
    async ({ cluster, random }) => {
      const faults = possible(wanted, cluster);
      const over = new AbortController();
      const print = (line: string) => console.log(line);
      const tormenting = torment({ cluster, faults, random, signal: over.signal, print });
      const ending = sleep(options.minutes * 60_000).then(() => over.abort());
      const [counts] = await Promise.all([tormenting, ending]);
      console.log(`faults: ${[...counts].map(([name, count]) => `${count} ${name}`).join(", ")}`);
    },
  );
}

/** Docker is started only where all that it leaves behind goes with the sandbox. */
function enginesOf({ engines }: Options, isInSandbox: boolean): number {
  if (engines === 0) return 0;
  const missing = ["dockerd", "busybox"].filter((name) => spawnSync(name, ["--help"], { env: withSbin() }).error);
  const problem = isInSandbox ? missing.map((name) => `${name} is missing`).join(", ") : "it needs a sandbox";
  if (problem === "") return engines;
  console.log(`without nodes that run containers: ${problem}`);
  return 0;
}
