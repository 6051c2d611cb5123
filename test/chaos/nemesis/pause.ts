/** Processes that stand still and go on as if nothing had happened. */
import { delay } from "../../../base/abort.ts";
import { SECOND_MS } from "../../../base/time.ts";
import type { Fault } from "./fault.ts";

const SHORT_PAUSE_OF_AGENT_MS = 3_000;
const BEYOND_LEASE_MS = 4_000;
/** So long after its node is lost; its jobs run elsewhere by then. */
const BEYOND_LOSS_MS = 15_000;
/** Of all, those that last so long that its guard has to act. */
const LONG_SHARE = 0.5;

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
    const lossMs = cluster.options.timing.nodeLostAfterS * SECOND_MS;
    const pauseMs =
      random.next() < LONG_SHARE
        ? random.between(lossMs, lossMs + BEYOND_LOSS_MS)
        : random.between(500, SHORT_PAUSE_OF_AGENT_MS);
    victim.program.pause();
    await delay(pauseMs, signal);
    victim.program.resume();
    return `${victim.program.name} for ${pauseMs} ms`;
  },
};
