import type { Mark } from "../accepted-loss.ts";
import { liftedRevision } from "../accepted-loss.ts";
import { type FencedTxnOptions, fencedTxn } from "./fenced-txn.ts";
import { encodeCluster, type Head, parseHead } from "./layout.ts";
import type { Found } from "./mirror.ts";
import { put } from "./requests.ts";

/**
 * A person has accepted that the latest state of the cluster is lost: from now on terms and revisions are beyond all that anybody
 * remembers of it. What was found stays as it is when it is not behind: the same word again does nothing.
 */
export async function acceptLoss(options: FencedTxnOptions, found: Found, lost: Mark | undefined): Promise<Found> {
  const { layout, tenure } = options;
  const { clusterId, head, termOffset } = found;
  if (!lost || (lost.term < tenure.term + termOffset && lost.revision <= head.revision)) return found;
  const lifted = {
    termOffset: Math.max(termOffset, lost.term + 1 - tenure.term),
    head: { ...head, revision: liftedRevision(head.revision, lost), term: tenure.term } satisfies Head,
  };
  const text = JSON.stringify(lifted.head);
  const operations = [
    put(layout.cluster, encodeCluster({ clusterId, termOffset: lifted.termOffset })),
    put(layout.head, text),
  ];
  const { headRevision } = await fencedTxn(options, found.headRevision, operations, ({ value }) => {
    const { revision, term } = parseHead(layout, value.toString());
    return revision === lifted.head.revision && term === tenure.term;
  });
  return { ...found, ...lifted, headRevision };
}
