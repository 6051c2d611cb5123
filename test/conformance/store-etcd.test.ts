import { afterAll, beforeAll, beforeEach } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { silentLogger } from "../../base/logger.ts";
import { EtcdCandidate } from "../../controller/store/etcd/etcd-candidate.ts";
import { remove, removeAll } from "../../controller/store/etcd/requests.ts";
import { type EtcdCluster, hasEtcd, skipWithoutEtcd, startEtcd } from "../support/etcd-cluster.ts";
import { describeStoreConformance } from "./store-conformance.ts";

const START_WITHIN_MS = 60_000;

let etcd: EtcdCluster;
let places = 0;

beforeAll(async () => {
  if (hasEtcd()) etcd = await startEtcd({ members: 3 });
}, START_WITHIN_MS);
afterAll(() => etcd?.close());
beforeEach(skipWithoutEtcd);

describeStoreConformance("etcd", async () => {
  places += 1;
  const prefix = `place-${places}/`;
  const candidates: EtcdCandidate[] = [];
  return {
    whileHeld: "fences",
    open: async () => {
      // As if an earlier leader's lease had run out, without its knowledge.
      await etcd.client.txn({ success: [remove(`${prefix}leader`)] });
      const candidate = new EtcdCandidate({
        endpoints: etcd.endpoints,
        address: "127.0.0.1:7000",
        instance: `controller-${candidates.length}`,
        prefix,
        allowsOld: true,
        clock: systemClock,
        log: silentLogger,
      });
      candidates.push(candidate);
      return await candidate.campaign(AbortSignal.timeout(START_WITHIN_MS));
    },
    remove: async () => {
      await Promise.all(candidates.map((candidate) => candidate.close()));
      await etcd.client.txn({ success: [removeAll(prefix)] });
    },
  };
});
