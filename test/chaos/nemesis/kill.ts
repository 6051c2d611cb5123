/** Processes that end without a word, and are started again. */
import { delay } from "../../../base/abort.ts";
import type { Cluster } from "../world/cluster.ts";
import type { Program } from "../world/program.ts";
import type { Fault, FaultContext } from "./fault.ts";

/** A service manager is back with a process within seconds; somebody who looks after it takes longer. */
const LONGEST_ABSENCE_MS = 8_000;

type Victims = (cluster: Cluster) => readonly Program[] | Promise<readonly Program[]>;

export const kills: readonly Fault[] = [
  killing("kill-leader", async (cluster) => {
    const leader = await cluster.leader();
    return leader ? [leader] : [];
  }),
  killing("kill-controller", ({ controllers }) => controllers),
  killing("kill-gateway", ({ gateways }) => gateways),
  killing("kill-etcd", ({ members }) => members),
  killing("kill-agent", ({ agents }) => agents.map(({ program }) => program)),
  killing("kill-guard", ({ agents }) => agents.map(({ guard }) => guard)),
];

function killing(name: string, victims: Victims): Fault {
  return {
    name,
    problem: () => undefined,
    async happen({ cluster, random, signal }: FaultContext) {
      const victim = random.pick(await victims(cluster));
      if (!victim) return "there is none at the moment";
      await victim.kill();
      await delay(random.between(0, LONGEST_ABSENCE_MS), signal);
      victim.start();
      return victim.name;
    },
  };
}
