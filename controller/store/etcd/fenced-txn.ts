import { delay } from "../../../base/abort.ts";
import { messageOf } from "../../../base/errors.ts";
import type { KeyValue__Output } from "../../../proto/generated/etcdserverpb/KeyValue.ts";
import type { RequestOp } from "../../../proto/generated/etcdserverpb/RequestOp.ts";
import { StoreError } from "../store.ts";
import { type EtcdClient, persistently } from "./etcd-client.ts";
import { EtcdError, NO_SPACE_ADVICE } from "./etcd-error.ts";
import type { HealthWatch } from "./etcd-health.ts";
import type { Layout } from "./layout.ts";
import { found, get, isChangedBy, isCreatedBy } from "./requests.ts";
import type { EtcdTenure } from "./tenure.ts";

/** A leader that can renew its lease but cannot write for so long is of no use. */
const GIVE_UP_MS = 10_000;
const FULL_RETRY_MS = 1_000;

export interface FencedTxnOptions {
  readonly client: EtcdClient;
  readonly layout: Layout;
  readonly tenure: EtcdTenure;
  /** Is told when etcd refuses writes for lack of room, and when it takes them again. */
  readonly room?: Pick<HealthWatch, "noteRefused"> | undefined;
}

/** What came of it: done now, or found to be done by an earlier attempt whose answer was lost. */
export interface Done {
  /** The etcd revision that changed the head last. */
  readonly headRevision: number;
}

/**
 * Does the operations in one transaction, if this term still leads and the head is the one that the caller has built on.
 *
 * Repeated until an answer comes. That is safe: once the head has changed, no repetition, however late it arrives, does anything.
 * While etcd is full it is repeated for as long as the term lasts: another leader could not even be elected.
 *
 * @param isMine tells a head that these very operations have put; for operations that do not put the head, never
 * @throws StoreError `fenced`, or `failed` when it may or may not have been done
 */
export async function fencedTxn(
  { client, layout, tenure, room }: FencedTxnOptions,
  headRevision: number,
  operations: RequestOp[],
  isMine: (head: KeyValue__Output) => boolean,
): Promise<Done> {
  const request = {
    compare: [isCreatedBy(layout.leader, tenure.term), isChangedBy(layout.head, headRevision)],
    success: operations,
    failure: [get(layout.leader), get(layout.head)],
  };
  const signal = tenure.over;
  if (signal.aborted) throw new StoreError("fenced", `term ${tenure.term} is over`);
  const attempt = () => client.txn(request, { signal });
  const response = await whenThereIsRoom(() => persistently(signal, attempt, GIVE_UP_MS), signal, room).catch(
    (error: unknown) => {
      throw failed(error, tenure);
    },
  );
  if (response.succeeded) return { headRevision: response.header?.revision ?? 0 };
  const leader = found(response, 0);
  const head = found(response, 1);
  if (head && isMine(head)) return { headRevision: head.mod_revision };
  if (leader?.create_revision !== tenure.term) {
    throw tenure.lose(leader ? `term ${leader.create_revision} has begun` : "its election key is gone");
  }
  throw new StoreError("failed", `${layout.head} was changed by something that does not lead`);
}

async function whenThereIsRoom<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  room: FencedTxnOptions["room"],
): Promise<T> {
  for (;;) {
    try {
      const result = await attempt();
      room?.noteRefused(false);
      return result;
    } catch (error) {
      if (!(error instanceof EtcdError) || error.code !== "no_space" || !room || signal.aborted) throw error;
      room.noteRefused(true);
      await delay(FULL_RETRY_MS, signal);
    }
  }
}

function failed(error: unknown, tenure: EtcdTenure): StoreError {
  const code = error instanceof EtcdError ? error.code : undefined;
  const cause = { cause: error };
  if (code === "no_space") return new StoreError("failed", `cannot write to etcd: ${NO_SPACE_ADVICE}`, cause);
  if (code !== "unavailable") return new StoreError("failed", `cannot write to etcd: ${messageOf(error)}`, cause);
  const why = tenure.over.aborted ? `term ${tenure.term} is over` : `no answer within ${GIVE_UP_MS} ms`;
  return new StoreError("failed", `a write to etcd may or may not have been done: ${why}: ${messageOf(error)}`, cause);
}
