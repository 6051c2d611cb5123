/** How long nobody leads after the leader is killed, stands still, or is stopped in order. */
import { setTimeout as sleep } from "node:timers/promises";
import { present } from "../../../base/assert.ts";
import type { Session } from "../session.ts";
import type { Cluster } from "../world/cluster.ts";
import type { Program } from "../world/program.ts";
import { describeDistribution } from "./distribution.ts";
import { Handovers } from "./handover.ts";
import { logLines } from "./log-lines.ts";
import { until, untilLogged, untilSomebodyLeads } from "./until.ts";
import { Pulse } from "./pulse.ts";

const FOLLOWS = "the term is over: this controller follows";
/** The first line of a controller that others reach. */
const LISTENS = "listening beyond this host without authentication: whoever reaches it can run programs here";
/** What an agent says once a leader works with it. */
const CONNECTED = "connected to the controller";
const HEALTHY_WITHIN_MS = 60_000;
const HEALTHY_EVERY = 5;
/** Beyond the leader's lease. */
const PAUSE_BEYOND_MS = 2_000;
const LONGEST_PEACE_MS = 1_500;

/** What is done to the leader; resolves as soon as it is done, with when that one can lead again. */
type Blow = (leader: Program, cluster: Cluster) => Promise<{ readonly isBack: Promise<unknown> }>;

const BLOWS: Readonly<Record<string, Blow>> = {
  "leader-kill": async (leader) => {
    await leader.kill();
    const startedMs = Date.now();
    leader.start();
    return { isBack: untilLogged(leader, LISTENS, startedMs) };
  },
  "leader-pause": async (leader, { options }) => {
    const pausedMs = Date.now();
    leader.pause();
    const pauseMs = options.timing.electionTtlS * 1_000 + PAUSE_BEYOND_MS;
    const isBack = sleep(pauseMs).then(async () => {
      leader.resume();
      await untilLogged(leader, FOLLOWS, pausedMs);
    });
    return { isBack };
  },
  "leader-stop": async (leader) => {
    // It hands over while it ends.
    const isBack = leader.stop().then(async () => {
      const startedMs = Date.now();
      leader.start();
      await untilLogged(leader, LISTENS, startedMs);
    });
    return { isBack };
  },
};

/** When the last of the agents was connected to the leader of this time. */
function untilAgentsAreBack({ agents }: Cluster, sinceMs: number): Promise<number> {
  return until("all agents are connected again", () => {
    const times = agents.map(({ program }) => logLines([program], CONNECTED).find(({ atMs }) => atMs >= sinceMs)?.atMs);
    return times.includes(undefined) ? undefined : Math.max(...times.map(Number));
  });
}

/** Does it so often, and prints how long nobody led and nothing was acknowledged. */
export async function measureLeaderless(session: Session, name: string, count: number): Promise<void> {
  const { cluster, workload, random } = session;
  const blow = present(BLOWS[name], `what ${name} is`);
  const pulse = new Pulse(cluster.clients, workload.tenants[0]?.id ?? "");
  const over = new AbortController();
  const beating = pulse.run(over.signal);
  const leaderlessMs: number[] = [];
  const silentMs: number[] = [];
  const agentsMs: number[] = [];
  const handovers = new Handovers();
  for (let n = 0; n < count; n += 1) {
    if (n % HEALTHY_EVERY === 0) await cluster.untilHealthy(HEALTHY_WITHIN_MS);
    await sleep(random.between(200, LONGEST_PEACE_MS));
    const leader = await cluster.leader();
    if (!leader) continue;
    const atMs = Date.now();
    const { isBack } = await blow(leader, cluster);
    // Waited for below, unless something else fails first.
    isBack.catch(() => undefined);
    const nextMs = await untilSomebodyLeads(cluster.controllers, atMs);
    const writtenMs = await untilAcknowledged(pulse, nextMs);
    handovers.add(leader, cluster.controllers, atMs, nextMs, writtenMs);
    leaderlessMs.push(nextMs - atMs);
    agentsMs.push((await untilAgentsAreBack(cluster, nextMs)) - nextMs);
    silentMs.push(pulse.longestGapMs(atMs, Date.now()));
    if ((n + 1) % 10 === 0) console.log(`${n + 1} of ${count}: ${describeDistribution("nobody led", leaderlessMs)}`);
    await isBack;
  }
  over.abort();
  await beating;
  console.log(describeDistribution(`${name}: until another leads`, leaderlessMs));
  console.log(describeDistribution(`${name}: until a write is acknowledged again`, silentMs));
  console.log(describeDistribution(`${name}: from then until the last agent is connected again`, agentsMs));
  for (const line of handovers.describe(name)) console.log(line);
}

function untilAcknowledged(pulse: Pulse, sinceMs: number): Promise<number> {
  return until("a write is acknowledged", () => pulse.firstBeatSince(sinceMs));
}
