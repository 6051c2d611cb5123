/** How long nobody leads after the leader is killed, stands still, or is stopped in order. */
import { setTimeout as sleep } from "node:timers/promises";
import { present } from "../../../base/assert.ts";
import type { Session } from "../session.ts";
import type { Cluster } from "../world/cluster.ts";
import type { Program } from "../world/program.ts";
import { describeDistribution } from "./distribution.ts";
import { logLines } from "./log-lines.ts";
import { Pulse } from "./pulse.ts";

const LEADS = "the controller leads";
const WITHIN_MS = 60_000;
const HEALTHY_WITHIN_MS = 60_000;
const POLL_MS = 50;
/** Beyond the leader's lease. */
const PAUSE_BEYOND_MS = 2_000;
const LONGEST_PEACE_MS = 1_500;

/** What is done to the leader; resolves as soon as it is done. */
type Blow = (leader: Program, cluster: Cluster) => Promise<void>;

const BLOWS: Readonly<Record<string, Blow>> = {
  "leader-kill": async (leader) => {
    await leader.kill();
    leader.start();
  },
  "leader-pause": (leader, { options }) => {
    leader.pause();
    const pauseMs = options.timing.electionTtlS * 1_000 + PAUSE_BEYOND_MS;
    void sleep(pauseMs).then(() => leader.resume());
    return Promise.resolve();
  },
  "leader-stop": (leader) => {
    // It hands over while it ends.
    void leader.stop().then(() => leader.start());
    return Promise.resolve();
  },
};

/** Does it so often, and prints how long nobody led and nothing was acknowledged. */
export async function measureLeaderless(session: Session, name: string, count: number): Promise<void> {
  const { cluster, workload, random } = session;
  const blow = present(BLOWS[name], `what ${name} is`);
  const pulse = new Pulse(cluster.clients, workload.tenants[0]?.id ?? "");
  const over = new AbortController();
  const beating = pulse.run(over.signal);
  const leaderlessMs: number[] = [];
  const silentMs: number[] = [];
  for (let n = 0; n < count; n += 1) {
    await cluster.untilHealthy(HEALTHY_WITHIN_MS);
    await sleep(random.between(200, LONGEST_PEACE_MS));
    const leader = await cluster.leader();
    if (!leader) continue;
    const atMs = Date.now();
    await blow(leader, cluster);
    const nextMs = await untilSomebodyLeads(cluster, atMs);
    await untilAcknowledged(pulse, nextMs);
    leaderlessMs.push(nextMs - atMs);
    silentMs.push(pulse.longestGapMs(atMs, Date.now()));
    if ((n + 1) % 10 === 0) console.log(`${n + 1} of ${count}: ${describeDistribution("nobody led", leaderlessMs)}`);
    if (name === "leader-pause") await untilFollows(leader, atMs);
  }
  over.abort();
  await beating;
  console.log(describeDistribution(`${name}: until another leads`, leaderlessMs));
  console.log(describeDistribution(`${name}: until a write is acknowledged again`, silentMs));
}

/** When the next one began to lead. */
async function untilSomebodyLeads(cluster: Cluster, sinceMs: number): Promise<number> {
  const find = () => logLines(cluster.controllers, LEADS).find(({ atMs }) => atMs >= sinceMs);
  return (await until("another controller leads", find)).atMs;
}

async function untilAcknowledged(pulse: Pulse, sinceMs: number): Promise<void> {
  await until("a write is acknowledged", () => (pulse.hasBeatSince(sinceMs) ? true : undefined));
}

/** The paused one runs again, and has seen that its term is over. */
async function untilFollows(leader: Program, sinceMs: number): Promise<void> {
  await until("the old leader follows", () =>
    logLines([leader], "the term is over: this controller follows").find(({ atMs }) => atMs >= sinceMs),
  );
}

async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  for (const giveUpMs = Date.now() + WITHIN_MS; Date.now() < giveUpMs; await sleep(POLL_MS)) {
    const found = look();
    if (found !== undefined) return found;
  }
  throw new Error(`it has not come that ${what}`);
}
