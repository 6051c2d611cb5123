/** `npm run chaos -- --figures NAME`: one kind of fault, often, and how long things take. */
import type { Options } from "../options.ts";
import { runSession, type Session, type SessionOptions } from "../session.ts";
import type { Timing } from "../world/cluster-options.ts";
import { measureLeaderless } from "./leaderless.ts";
import { measureNodeLost } from "./node-lost.ts";
import { measureLimitedOverload, measureOverload } from "./overload.ts";
import { measurePartitions } from "./partitions.ts";
import { measureAgentKills, measureEngineKills } from "./untouched.ts";

const TIMING: Timing = { electionTtlS: 5, heartbeatS: 1, nodeUnreachableAfterS: 5, nodeLostAfterS: 25 };
/** Few jobs: what is measured is the time of the cluster, not of this machine. */
const SIZE = { members: 3, engines: 0, controllers: 3, gateways: 2, gpusPerAgent: 2, timing: TIMING };
const CALM = { ...SIZE, operationsPerSecond: 4 };
/** For what is to be seen to be lost, and soon. */
const IMPATIENT = { ...CALM, timing: { ...TIMING, nodeLostAfterS: 15 } };

interface Figure {
  readonly size: Omit<SessionOptions, "agents">;
  measure(session: Session, options: Options): Promise<void>;
}

const leaderless = (name: string): Figure => {
  return { size: CALM, measure: (session, { count }) => measureLeaderless(session, name, count) };
};

const FIGURES: Readonly<Record<string, Figure>> = {
  "leader-kill": leaderless("leader-kill"),
  "leader-pause": leaderless("leader-pause"),
  "leader-stop": leaderless("leader-stop"),
  "node-lost": { size: IMPATIENT, measure: (session, { count }) => measureNodeLost(session, count, false) },
  "node-lost-failover": { size: IMPATIENT, measure: (session, { count }) => measureNodeLost(session, count, true) },
  "agent-kill": { size: CALM, measure: (session, { count }) => measureAgentKills(session, count) },
  "dockerd-kill": {
    size: { ...CALM, engines: 2 },
    measure: (session, { count }) => measureEngineKills(session, count),
  },
  partitions: { size: CALM, measure: (session, { count }) => measurePartitions(session, count) },
  overload: { size: CALM, measure: measureOverload },
  "overload-limited": { size: { ...CALM, rateLimit: 100 }, measure: measureLimitedOverload },
};

/** @returns the exit code: what must hold is checked as in every other run */
export function runFigures(options: Options, isInSandbox: boolean): Promise<number> {
  const figure = FIGURES[options.figures ?? ""];
  if (!figure) throw new Error(`--figures: ${options.figures} is none of ${Object.keys(FIGURES).join(", ")}`);
  return runSession(options, isInSandbox, { ...figure.size, agents: options.agents }, (session) =>
    figure.measure(session, options),
  );
}
