import { messageOf, RequestError } from "../../../base/errors.ts";
import { SECOND_MS } from "../../../base/time.ts";
import { groupAsRows, refuseTooLarge } from "../etcd/commit-plan.ts";
import type { Compare } from "../../../proto/generated/etcdserverpb/Compare.ts";
import { EtcdClient, type EtcdClientOptions, persistently } from "../etcd/etcd-client.ts";
import { encodeCluster, type Head, Layout, packWrites } from "../etcd/layout.ts";
import { endOf, found, get, isCreatedBy, put, remove } from "../etcd/requests.ts";
import { markMoved } from "../sqlite/moved.ts";
import { openForReading, type StoredState } from "../sqlite/read-store.ts";

export interface EtcdPlace extends EtcdClientOptions {
  readonly prefix: string;
}

/** What has been moved. */
export interface Migrated {
  readonly clusterId: string;
  readonly revision: number;
  readonly jobs: number;
}

const GIVE_UP_MS = 30 * SECOND_MS;

/**
 * Moves the state of a data directory that no controller uses into an etcd in which nothing is, with the cluster's id, its revision,
 * and terms beyond all that it had. Until the last step nothing is changed in the source, and the target is one that controllers
 * refuse; then the source is one that they refuse.
 *
 * @throws RequestError, StoreError a sentence that says why not
 */
export async function migrateToEtcd(dataDir: string, place: EtcdPlace, signal: AbortSignal): Promise<Migrated> {
  const source = openForReading(dataDir, "gpusched migrate");
  const client = new EtcdClient(place);
  try {
    const layout = new Layout(place.prefix);
    await copy(source.state, { client, layout, signal });
    markMoved(dataDir, `etcd at ${place.endpoints.join(",")} below ${place.prefix}`);
    const { clusterId, revision, rows } = source.state;
    return { clusterId, revision, jobs: rows.filter(({ table }) => table === "job").length };
  } finally {
    client.close();
    source.close();
  }
}

interface Target {
  readonly client: EtcdClient;
  readonly layout: Layout;
  readonly signal: AbortSignal;
}

async function copy({ clusterId, term, revision, rows }: StoredState, target: Target): Promise<void> {
  const { client, layout, signal } = target;
  const packed = packWrites(rows);
  refuseTooLarge(packed);
  await refuseUnlessEmpty(target);
  const claimed = await txn(
    target,
    [isCreatedBy(layout.moving, 0), isCreatedBy(layout.cluster, 0)],
    [put(layout.moving, JSON.stringify({ clusterId, revision }))],
  );
  const isOurs = isCreatedBy(layout.moving, claimed);
  for (const group of groupAsRows(packed)) {
    const puts = group.map((write) => put(layout.row(write), write.text ?? "null"));
    await txn(target, [isOurs], puts);
  }
  const { header } = await persistently(signal, () => client.range({ key: Buffer.from(layout.head) }), GIVE_UP_MS);
  // Whoever is elected has a later revision than this one, and with it a later term than there ever was.
  const termOffset = Math.max(0, term + 1 - (header?.revision ?? 0));
  const head: Head = { revision, term: 0 };
  await finish(target, isOurs, encodeCluster({ clusterId, termOffset }), head);
}

/** The one step that makes it a store. Whether it was done can be seen if its answer is lost. */
async function finish(target: Target, isOurs: Compare, cluster: string, head: Head): Promise<void> {
  const { client, layout, signal } = target;
  const puts = [put(layout.cluster, cluster), put(layout.head, JSON.stringify(head)), remove(layout.moving)];
  const request = { compare: [isOurs], success: puts, failure: [get(layout.cluster)] };
  const answer = await persistently(signal, () => client.txn(request, { signal }), GIVE_UP_MS).catch(cannotWrite);
  if (answer.succeeded || found(answer, 0)?.value.toString() === cluster) return;
  throw new RequestError("conflict", "something else has written to that place in etcd meanwhile: nothing was moved");
}

function cannotWrite(error: unknown): never {
  throw new RequestError("unavailable", `etcd cannot be written: ${messageOf(error)}`, { cause: error });
}

async function refuseUnlessEmpty({ client, layout, signal }: Target): Promise<void> {
  const request = { key: Buffer.from(layout.prefix), range_end: endOf(layout.prefix), limit: 1 };
  const { kvs } = await persistently(signal, () => client.range(request, { signal }), GIVE_UP_MS).catch(
    (error: unknown) => {
      throw new RequestError("unavailable", `etcd cannot be read: ${messageOf(error)}`, { cause: error });
    },
  );
  const [first] = kvs;
  if (!first) return;
  if (first.key.toString() === layout.moving) throw layout.halfMoved();
  throw new RequestError(
    "conflict",
    `there is something in etcd below ${JSON.stringify(layout.prefix)} already (${first.key.toString()}): stop the controllers that use it, ` +
      "and give another --etcd-prefix or remove it. Nothing was changed",
  );
}

/** The revision that did it; repeated until it is answered: what is put is the same each time. */
async function txn(
  { client, signal }: Target,
  compare: ReturnType<typeof isCreatedBy>[],
  success: ReturnType<typeof put>[],
): Promise<number> {
  const attempt = () => client.txn({ compare, success, failure: [] }, { signal });
  const answer = await persistently(signal, attempt, GIVE_UP_MS).catch(cannotWrite);
  if (answer.succeeded) return answer.header?.revision ?? 0;
  throw new RequestError("conflict", "something else has written to that place in etcd meanwhile: nothing was moved");
}
