/** Docker Engines that end under running containers, which go on. */
import { delay } from "../../../base/abort.ts";
import { TEST_IMAGE } from "../../support/docker-engine.ts";
import type { Fault } from "./fault.ts";

const LONGEST_ABSENCE_MS = 5_000;
const GUARD_SLEEPS_S = "1000";

const NO_ENGINE = "no agent runs containers";

export const killDockerd: Fault = {
  name: "kill-dockerd",
  problem: ({ dockerAgents }) => (dockerAgents.length === 0 ? NO_ENGINE : undefined),
  async happen({ cluster, random, signal }) {
    const victim = random.pick(cluster.dockerAgents);
    if (!victim) return NO_ENGINE;
    await victim.engine.kill();
    await delay(random.between(0, LONGEST_ABSENCE_MS), signal);
    await victim.engine.restart();
    return `of ${victim.nodeName}`;
  },
};

export const restartDockerd: Fault = {
  name: "restart-dockerd",
  problem: killDockerd.problem,
  async happen({ cluster, random }) {
    const victim = random.pick(cluster.dockerAgents);
    if (!victim) return NO_ENGINE;
    const { docker } = victim.engine;
    // An engine that ends while none of its containers runs stops one that begins in that moment, live-restore or not.
    const guard = await docker.createContainer({ Image: TEST_IMAGE, Cmd: ["sleep", GUARD_SLEEPS_S] });
    await guard.start();
    await victim.engine.restart();
    await guard.remove({ force: true });
    return `of ${victim.nodeName}`;
  },
};
