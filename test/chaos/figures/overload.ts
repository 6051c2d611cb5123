/** Up to ten times as many submissions as can be taken: what becomes of those that are taken, of the others, and of the nodes. */
import { setTimeout as sleep } from "node:timers/promises";
import { Flood } from "../flood/flood.ts";
import type { Asked } from "../flood/plan.ts";
import type { Session } from "../session.ts";
import type { Cluster } from "../world/cluster.ts";
import { describeDistribution } from "./distribution.ts";
import { Processors } from "./processors.ts";

/** Programs that have just started are slow at first. */
const WARM_UP_MS = 5_000;
const CLOSED_LOOP_MS = 10_000;
const OVERLOAD_MS = 15_000;
/** To each gateway: enough to keep it busy, and few enough that none waits for long. */
const CLOSED_LOOP_CONNECTIONS = 64;
const OPEN_LOOP_CONNECTIONS = 512;
/** On a machine that generator and cluster share, the larger ones show where it has nothing left to turn anybody away with. */
const FACTORS = [2, 5, 10];
const LOOK_EVERY_MS = 250;

/** What the cluster can take is found out first. */
export async function measureOverload(session: Session): Promise<void> {
  const flood = new Flood(session);
  const plan = { prefix: "steady-flood", perSecond: undefined, connections: CLOSED_LOOP_CONNECTIONS };
  await flood.run({ ...plan, prefix: "first-flood", forMs: WARM_UP_MS });
  const processors = new Processors(session.cluster);
  const { asked, processorMs } = await flood.run({ ...plan, forMs: CLOSED_LOOP_MS });
  const clients = CLOSED_LOOP_CONNECTIONS * session.cluster.gatewayAddresses.length;
  const taken = asked.filter(({ status }) => status === 201);
  const sustainable = Math.round((taken.length / CLOSED_LOOP_MS) * 1_000);
  console.log(`overload: ${clients} clients, each after its last answer, had ${sustainable} jobs a second taken`);
  describeAnswers(asked);
  console.log(`overload: meanwhile, ${processors.describe(processorMs / 1_000)}`);
  await offerAll(session, flood, sustainable);
}

/** What one client may submit is known: all else is to be refused for its sake. */
export async function measureLimitedOverload(session: Session): Promise<void> {
  const { gateways, rateLimit = 0 } = session.cluster.options;
  console.log(`overload: a client may submit ${rateLimit} jobs a second to each of ${gateways} gateways`);
  await offerAll(session, new Flood(session), rateLimit * gateways);
}

async function offerAll(session: Session, flood: Flood, sustainable: number): Promise<void> {
  for (const factor of FACTORS) {
    console.log(`overload: ${factor} times as many`);
    await offer(session, flood, { prefix: `flood-${factor}-times`, perSecond: sustainable * factor });
  }
}

async function offer(
  { cluster }: Session,
  flood: Flood,
  { prefix, perSecond }: { prefix: string; perSecond: number },
): Promise<void> {
  const over = new AbortController();
  const watching = watchNodes(cluster, over.signal);
  const processors = new Processors(cluster);
  const plan = { prefix, perSecond, connections: OPEN_LOOP_CONNECTIONS, forMs: OVERLOAD_MS };
  const { asked, processorMs } = await flood.run(plan);
  const use = processors.describe(processorMs / 1_000);
  over.abort();
  const leastOnline = await watching;
  const sent = asked.filter(({ sentMs }) => sentMs < (asked[0]?.dueMs ?? 0) + OVERLOAD_MS).length;
  const offered = Math.round((sent / OVERLOAD_MS) * 1_000);
  console.log(
    `overload: ${perSecond} a second were due for ${OVERLOAD_MS / 1_000} s, and ${offered} a second were sent`,
  );
  describeAnswers(asked);
  console.log(`overload: meanwhile, ${use}`);
  console.log(`overload: at least ${leastOnline} of ${cluster.agents.length} nodes were online at any time`);
  await flood.cancel();
}

/** How many nodes were online when the fewest were. */
async function watchNodes(cluster: Cluster, signal: AbortSignal): Promise<number> {
  let least = cluster.agents.length;
  for (; !signal.aborted; await sleep(LOOK_EVERY_MS)) {
    least = Math.min(least, (await cluster.status())?.online_nodes ?? least);
  }
  return least;
}

/** Times count from when a request was due; what of that was the generator's own delay is told beside them. */
function describeAnswers(asked: readonly Asked[]): void {
  for (const [status, some] of Map.groupBy(asked, (one) => one.status)) {
    const share = ((some.length / asked.length) * 100).toFixed(1);
    const what = `overload: ${status === 0 ? "no answer" : status}, ${share} %`;
    console.log(
      describeDistribution(
        what,
        some.map(({ dueMs, returnedMs }) => returnedMs - dueMs),
      ),
    );
    const patient = some.filter(({ hasRetryAfter }) => hasRetryAfter).length;
    if (patient > 0) console.log(`overload: ${status}: ${patient} of ${some.length} with Retry-After`);
  }
  console.log(
    describeDistribution(
      "overload: sent after it was due",
      asked.map(({ dueMs, sentMs }) => sentMs - dueMs),
    ),
  );
}
