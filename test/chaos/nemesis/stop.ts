/** Processes that are told to end, and started again. */
import { delay } from "../../../base/abort.ts";
import type { Cluster } from "../world/cluster.ts";
import type { Program } from "../world/program.ts";
import type { Fault } from "./fault.ts";

const LONGEST_ABSENCE_MS = 3_000;
const HEALTHY_WITHIN_MS = 180_000;

export const stopLeader: Fault = {
  name: "stop-leader",
  problem: () => undefined,
  async happen({ cluster, random, signal }) {
    const leader = await cluster.leader();
    if (!leader) return "nobody led";
    const code = await leader.stop();
    await delay(random.between(0, LONGEST_ABSENCE_MS), signal);
    leader.start();
    return code === 0 ? leader.name : `${leader.name}, which ended with ${code}`;
  },
};

/** As an upgrade does: every process is stopped and started, one after the other, each once the one before is well again. */
export const rollingRestart: Fault = {
  name: "rolling-restart",
  problem: () => undefined,
  async happen({ cluster, signal }) {
    const programs = inOrderOfUpgrade(cluster);
    let done = 0;
    for (const program of programs) {
      if (signal.aborted) break;
      await program.stop();
      program.start();
      await cluster.untilHealthy(HEALTHY_WITHIN_MS);
      done += 1;
    }
    return `${done} of ${programs.length} processes`;
  },
};

function inOrderOfUpgrade({ members, controllers, gateways, agents }: Cluster): readonly Program[] {
  return [...members, ...controllers, ...gateways, ...agents.flatMap(({ program, guard }) => [guard, program])];
}
