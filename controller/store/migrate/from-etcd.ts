import { systemClock } from "../../../base/clock.ts";
import { RequestError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import { EtcdCandidate } from "../etcd/etcd-candidate.ts";
import { EtcdClient, persistently } from "../etcd/etcd-client.ts";
import { Layout } from "../etcd/layout.ts";
import { isCreatedBy, put } from "../etcd/requests.ts";
import { writeStore } from "../sqlite/write-store.ts";
import type { EtcdPlace, Migrated } from "./to-etcd.ts";

/** Nobody leads if nobody has within this time; longer than a lease that is not renewed. */
const ELECTED_WITHIN_MS = 30_000;
const GIVE_UP_MS = 30_000;

/**
 * Moves the state in etcd into a data directory in which nothing was ever stored. Leads meanwhile, as a controller would, so that
 * none does; a controller that leads is left alone, and nothing is moved. The source is marked last: from then on controllers
 * refuse it.
 *
 * @throws RequestError, StoreError a sentence that says why not
 */
export async function migrateFromEtcd(place: EtcdPlace, dataDir: string, log: Logger): Promise<Migrated> {
  const client = new EtcdClient(place);
  const layout = new Layout(place.prefix);
  const instance = "gpusched migrate";
  const candidate = new EtcdCandidate({
    ...place,
    address: "127.0.0.1:1",
    instance,
    // Whoever moves away from it need not be told that it is old.
    allowsOld: true,
    clock: systemClock,
    log,
  });
  try {
    await refuseWithout(client, layout);
    const store = await candidate.campaign(AbortSignal.timeout(ELECTED_WITHIN_MS)).catch((error: unknown) => {
      const leader = candidate.leader;
      if (!leader) throw error;
      throw new RequestError("conflict", `controller ${leader.instance} leads: stop all controllers first`);
    });
    try {
      const contents = await store.load();
      const election = candidate.leader?.term ?? 0;
      writeStore(dataDir, contents);
      const moved = put(layout.moved, JSON.stringify({ to: `the data directory ${dataDir}` }));
      const request = { compare: [isCreatedBy(layout.leader, election)], success: [moved], failure: [] };
      const { succeeded } = await persistently(new AbortController().signal, () => client.txn(request), GIVE_UP_MS);
      if (!succeeded)
        throw new RequestError("conflict", "another controller leads by now: what was written is not its state");
      const { clusterId, revision, rows } = contents;
      return { clusterId, revision, jobs: rows.filter(({ table }) => table === "job").length };
    } finally {
      await store.close();
    }
  } finally {
    await candidate.close();
    client.close();
  }
}

/** There must be a cluster, and nobody who leads it. */
async function refuseWithout(client: EtcdClient, layout: Layout): Promise<void> {
  const [cluster, leader] = await Promise.all(
    [layout.cluster, layout.leader].map(async (key) => (await client.range({ key: Buffer.from(key) })).kvs[0]),
  );
  if (!cluster) throw new RequestError("not_found", `there is no store in etcd below ${JSON.stringify(layout.prefix)}`);
  if (!leader) return;
  const who = leader.value.toString();
  throw new RequestError("conflict", `a controller leads (${who}): stop all controllers first. Nothing was changed`);
}
