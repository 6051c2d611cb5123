import type { KeyValue__Output } from "../../../proto/generated/etcdserverpb/KeyValue.ts";
import type { RangeResponse__Output } from "../../../proto/generated/etcdserverpb/RangeResponse.ts";
import { type EtcdClient, persistently } from "./etcd-client.ts";
import { EtcdError } from "./etcd-error.ts";
import { endOf } from "./requests.ts";

const FIRST_PAGE_KEYS = 1_000;
/** A page is more work for a member than other calls. */
const PAGE_DEADLINE_MS = 3_000;
const KEY_END = Buffer.from([0]);

/**
 * Everything below the prefix at one revision, page by page; the next page is on its way while one is looked at. Returns that
 * revision.
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
  let revision = 0;
  let limit = FIRST_PAGE_KEYS;
  const ask = async (key: Buffer): Promise<RangeResponse__Output> => {
    for (;;) {
      try {
        const request = { key, range_end, limit, revision };
        return await persistently(signal, () => client.range(request, { signal, deadlineMs: PAGE_DEADLINE_MS }));
      } catch (error) {
        // Rows of hundreds of KiB: fewer of them fit into an answer.
        if (!(error instanceof EtcdError) || error.code !== "too_large" || limit === 1) throw error;
        limit = Math.ceil(limit / 4);
      }
    }
  };
  let page = await ask(Buffer.from(prefix));
  for (;;) {
    revision ||= page.header?.revision ?? 0;
    const last = page.kvs.at(-1);
    const next = page.more && last ? ask(Buffer.concat([last.key, KEY_END])) : undefined;
    onPage(page.kvs);
    if (!next) return revision;
    page = await next;
  }
}
