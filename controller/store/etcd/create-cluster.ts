import { type FencedTxnOptions, fencedTxn } from "./fenced-txn.ts";
import { FORMAT, type Head } from "./layout.ts";
import type { Found } from "./mirror.ts";
import { put } from "./requests.ts";

/** Where nothing is stored yet: gives the cluster its id, once and for all. */
export async function createCluster(options: FencedTxnOptions, clusterId: string): Promise<Found> {
  const { layout, tenure } = options;
  const head: Head = { revision: 0, term: tenure.term };
  const operations = [
    put(layout.cluster, JSON.stringify({ format: FORMAT, clusterId })),
    put(layout.head, JSON.stringify(head)),
  ];
  // Only this term can have put a head: there was none, and none but it leads.
  const { headRevision } = await fencedTxn(options, 0, operations, () => true);
  return { clusterId, head, headRevision, rows: [], unapplied: [], staleBundles: [] };
}
