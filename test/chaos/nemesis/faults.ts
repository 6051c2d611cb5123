/** Everything that can go wrong. */
import type { Cluster } from "../world/cluster.ts";
import { failSyncs, fillAgentDisk, fillDisk } from "./disk.ts";
import { killDockerd, restartDockerd } from "./docker.ts";
import type { Fault } from "./fault.ts";
import { kills } from "./kill.ts";
import { partitions } from "./partition.ts";
import { pauseAgent, pauseLeader } from "./pause.ts";
import { rollingRestart, stopLeader } from "./stop.ts";

const FAULTS: readonly Fault[] = [
  ...kills,
  ...partitions,
  pauseLeader,
  pauseAgent,
  stopLeader,
  rollingRestart,
  fillDisk,
  fillAgentDisk,
  failSyncs,
  killDockerd,
  restartDockerd,
];

/**
 * The faults of these names; all, of no names.
 *
 * @throws Error for a name that is none
 */
export function faultsNamed(names: readonly string[]): readonly Fault[] {
  const known = FAULTS.map(({ name }) => name);
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined) throw new Error(`--nemesis: ${wrong} is none of ${known.join(", ")}`);
  return names.length === 0 ? FAULTS : FAULTS.filter(({ name }) => names.includes(name));
}

/** Those that can happen to this cluster; says why others cannot. */
export function possible(faults: readonly Fault[], cluster: Cluster): readonly Fault[] {
  return faults.filter((fault) => {
    const problem = fault.problem(cluster);
    if (problem !== undefined) console.log(`without ${fault.name}: ${problem}`);
    return problem === undefined;
  });
}
