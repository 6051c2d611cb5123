/** How long after a partition all is as it should be again. */
import { faultsNamed, possible } from "../nemesis/faults.ts";
import type { Session } from "../session.ts";
import { describeDistribution } from "./distribution.ts";

const BOTH_WAYS = ["partition-agent", "partition-leader-etcd", "partition-etcd"];
const ONE_WAY = BOTH_WAYS.map((name) => `${name}-one-way`);
const HEALTHY_WITHIN_MS = 120_000;

/** Half of them in one direction only. */
export async function measurePartitions({ cluster, random }: Session, count: number): Promise<void> {
  const kinds = [BOTH_WAYS, ONE_WAY].map((names) => possible(faultsNamed(names), cluster));
  const healedMs: number[] = [];
  const { signal } = new AbortController();
  for (let n = 0; n < count; n += 1) {
    const fault = random.pick(kinds[n % kinds.length] ?? []);
    const what = await fault?.happen({ cluster, random, signal });
    const atMs = performance.now();
    await cluster.untilHealthy(HEALTHY_WITHIN_MS);
    healedMs.push(performance.now() - atMs);
    console.log(`${fault?.name}: ${what}; well again ${Math.round(performance.now() - atMs)} ms after it`);
  }
  console.log(describeDistribution("partitions: from their end until a leader hears all nodes", healedMs));
}
