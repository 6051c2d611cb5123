import type { KeyValue__Output } from "../../../proto/generated/etcdserverpb/KeyValue.ts";
import { type EtcdClient, persistently } from "./etcd-client.ts";
import { EtcdError } from "./etcd-error.ts";
import { endOf } from "./requests.ts";

const FIRST_PAGE_KEYS = 1_000;
/** A page is more work for a member than other calls. */
const PAGE_DEADLINE_MS = 3_000;
const KEY_END = Buffer.from([0]);

/**
 * Everything below the prefix at one revision, page by page. Returns that revision.
 *
 * @throws EtcdError `compacted` when it took so long that the revision was forgotten: begin again
 */
export async function readSnapshot(
  client: EtcdClient,
  prefix: string,
  signal: AbortSignal,
  onPage: (page: readonly KeyValue__Output[]) => void,
): Promise<number> {
  const range_end = endOf(prefix);
  let key: Buffer = Buffer.from(prefix);
  let limit = FIRST_PAGE_KEYS;
  let revision = 0;
  for (;;) {
    const request = { key, range_end, limit, revision };
    try {
      const page = await persistently(signal, () => client.range(request, { signal, deadlineMs: PAGE_DEADLINE_MS }));
      revision ||= page.header?.revision ?? 0;
      onPage(page.kvs);
      const last = page.kvs.at(-1);
      if (!page.more || !last) return revision;
      key = Buffer.concat([last.key, KEY_END]);
    } catch (error) {
      // Rows of hundreds of KiB: fewer of them fit into an answer.
      if (!(error instanceof EtcdError) || error.code !== "too_large" || limit === 1) throw error;
      limit = Math.ceil(limit / 4);
    }
  }
}
