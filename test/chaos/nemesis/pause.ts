/** Processes that stand still and go on as if nothing had happened. */
import { delay } from "../../../base/abort.ts";
import { SECOND_MS } from "../../../base/time.ts";
import type { Fault } from "./fault.ts";

/** An agent that stands still cannot fence: its lease has no more margin than this. */
const LONGEST_PAUSE_OF_AGENT_MS = 3_000;
const BEYOND_LEASE_MS = 4_000;

export const pauseLeader: Fault = {
  name: "pause-leader",
  problem: ({ members }) => (members.length === 0 ? "nobody else could lead" : undefined),
  async happen({ cluster, random, signal }) {
    const leader = await cluster.leader();
    if (!leader) return "nobody led";
    const leaseMs = cluster.options.timing.electionTtlS * SECOND_MS;
    const pauseMs = leaseMs + random.between(0, BEYOND_LEASE_MS);
    leader.pause();
    await delay(pauseMs, signal);
    leader.resume();
    return `${leader.name} for ${pauseMs} ms`;
  },
};

export const pauseAgent: Fault = {
  name: "pause-agent",
  problem: () => undefined,
  async happen({ cluster, random, signal }) {
    const victim = random.pick(cluster.agents);
    if (!victim) return "there is no agent";
    const pauseMs = random.between(500, LONGEST_PAUSE_OF_AGENT_MS);
    victim.program.pause();
    await delay(pauseMs, signal);
    victim.program.resume();
    return `${victim.program.name} for ${pauseMs} ms`;
  },
};
