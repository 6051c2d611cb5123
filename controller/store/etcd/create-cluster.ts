import { type FencedTxnOptions, fencedTxn } from "./fenced-txn.ts";
import { encodeCluster, type Head } from "./layout.ts";
import type { Found } from "./mirror.ts";
import { put } from "./requests.ts";

/** Where nothing is stored yet: gives the cluster its id, once and for all. */
export async function createCluster(options: FencedTxnOptions, clusterId: string): Promise<Found> {
  const { layout, tenure } = options;
  const head: Head = { revision: 0, term: tenure.term };
  const text = JSON.stringify(head);
  const operations = [put(layout.cluster, encodeCluster({ clusterId, termOffset: 0 })), put(layout.head, text)];
  const { headRevision } = await fencedTxn(options, 0, operations, ({ value }) => value.toString() === text);
  return { clusterId, termOffset: 0, head, headRevision, rows: [], unapplied: [], staleBundles: [] };
}
