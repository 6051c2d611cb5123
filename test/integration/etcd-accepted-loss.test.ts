/** A cluster on etcd whose latest state is lost, once a person has accepted that. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import type { Mark } from "../../controller/store/accepted-loss.ts";
import { EtcdCandidate } from "../../controller/store/etcd/etcd-candidate.ts";
import type { StoreContents } from "../../controller/store/store.ts";
import { type EtcdCluster, hasEtcd, skipWithoutEtcd, startEtcd } from "../support/etcd-cluster.ts";

let etcd: EtcdCluster;
let services: ServiceStack;
let prefixes = 0;

beforeAll(async () => {
  if (hasEtcd()) etcd = await startEtcd({ members: 1 });
});
afterAll(() => etcd?.close());
beforeEach((context) => {
  skipWithoutEtcd(context);
  services = new ServiceStack();
  prefixes += 1;
});
afterEach(() => services?.close());

/** One term, in which so many commits are made; what it began with. */
async function term(commits: number, lost?: Mark): Promise<StoreContents> {
  const place = { endpoints: etcd.endpoints, prefix: `loss-${prefixes}/`, allowsOld: true, lost };
  const candidate = new EtcdCandidate({
    ...place,
    address: "a:1",
    instance: "a",
    clock: systemClock,
    log: silentLogger,
  });
  try {
    const store = await candidate.campaign(AbortSignal.timeout(30_000));
    const contents = await store.load();
    for (let n = 1; n <= commits; n += 1) {
      expect(await store.commit([{ table: "job", key: `job-${n}`, value: { n } }])).toBe(contents.revision + n);
    }
    await store.close();
    return contents;
  } finally {
    await candidate.close();
  }
}

test("the next term and revision are beyond all that is remembered, and stay so without the word", async () => {
  const first = await term(3);
  const lost = { term: first.term + 1_000, revision: 50 };
  const lifted = await term(2, lost);
  expect(lifted.term).toBeGreaterThan(lost.term);
  expect(lifted.revision).toBe(1_000_050);
  expect([lifted.clusterId, lifted.rows.length]).toEqual([first.clusterId, 3]);
  const next = await term(1);
  expect(next.term).toBeGreaterThan(lifted.term);
  expect(next.revision).toBe(1_000_052);
});

test("the same word again changes nothing, and one that is behind neither", async () => {
  const first = await term(3);
  const lost = { term: first.term, revision: 50 };
  const lifted = await term(0, lost);
  expect(lifted.revision).toBe(1_000_050);
  const again = await term(0, lost);
  expect([again.revision, again.term > lifted.term]).toEqual([1_000_050, true]);
  expect((await term(0, { term: 1, revision: 1 })).revision).toBe(1_000_050);
});

test("a revision alone can be behind", async () => {
  const first = await term(3);
  expect((await term(0, { term: first.term, revision: 4 })).revision).toBe(1_000_004);
});
