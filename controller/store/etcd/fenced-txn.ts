import { delay } from "../../../base/abort.ts";
import { messageOf } from "../../../base/errors.ts";
import type { KeyValue__Output } from "../../../proto/generated/etcdserverpb/KeyValue.ts";
import type { RequestOp } from "../../../proto/generated/etcdserverpb/RequestOp.ts";
import type { TxnResponse__Output } from "../../../proto/generated/etcdserverpb/TxnResponse.ts";
import { StoreError } from "../store.ts";
import { type EtcdClient, persistently } from "./etcd-client.ts";
import { EtcdError, NO_SPACE_ADVICE } from "./etcd-error.ts";
import type { HealthWatch } from "./etcd-health.ts";
import type { Layout } from "./layout.ts";
import { bytesOf, found, get, isChangedBy, isCreatedBy } from "./requests.ts";
import type { EtcdTenure } from "./tenure.ts";

/** A leader that can renew its lease but cannot write for so long is of no use. */
const GIVE_UP_MS = 10_000;
/** How long a transaction that is refused for lack of room, and may have been done nevertheless, waits to be repeated. */
const FULL_RETRY_MS = 1_000;

export interface FencedTxnOptions {
  readonly client: EtcdClient;
  readonly layout: Layout;
  readonly tenure: EtcdTenure;
  /** Is told what is written, and when etcd refuses that for lack of room. */
  readonly room?: Pick<HealthWatch, "noteRefused" | "noteWritten"> | undefined;
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
 * When etcd is full, that too must be certain: if an attempt was not answered, it is repeated for as long as the term lasts.
 *
 * @param isMine tells a head that these very operations have put; for operations that do not put the head, never
 * @throws StoreError `full` when it was not done, and will not be; `fenced`; or `failed` when it may or may not have been done
 */
export async function fencedTxn(
  options: FencedTxnOptions,
  headRevision: number,
  operations: RequestOp[],
  isMine: (head: KeyValue__Output) => boolean,
): Promise<Done> {
  const { client, layout, tenure, room } = options;
  const request = {
    compare: [isCreatedBy(layout.leader, tenure.term), isChangedBy(layout.head, headRevision)],
    success: operations,
    failure: lookOf(layout),
  };
  const signal = tenure.over;
  if (signal.aborted) throw new StoreError("fenced", `term ${tenure.term} is over`);
  // Whether an attempt is still under way somewhere, for all that is known.
  let isUncertain = false;
  const attempt = () =>
    client.txn(request, { signal }).catch((error: unknown) => {
      isUncertain ||= error instanceof EtcdError && error.code === "unavailable";
      throw error;
    });
  room?.noteWritten(bytesOf(operations));
  try {
    for (;;) {
      try {
        const response = await persistently(signal, attempt, GIVE_UP_MS);
        room?.noteRefused(false);
        if (response.succeeded) return { headRevision: response.header?.revision ?? 0 };
        return doneBefore(options, headRevision, response, isMine) ?? raiseForeignHead(layout);
      } catch (error) {
        if (!isNoSpace(error) || !room || signal.aborted) throw error;
        room.noteRefused(true);
        // The one that raises the alarm may have been done all the same. A look writes nothing, and is not refused.
        const look = () => client.txn({ compare: [], success: lookOf(layout), failure: [] }, { signal });
        const done = doneBefore(options, headRevision, await persistently(signal, look, GIVE_UP_MS), isMine);
        if (done) return done;
        if (!isUncertain) throw new StoreError("full", `cannot write to etcd: ${NO_SPACE_ADVICE}`, { cause: error });
        await delay(FULL_RETRY_MS, signal);
      }
    }
  } catch (error) {
    throw error instanceof StoreError ? error : failed(error, tenure);
  }
}

function lookOf(layout: Layout): RequestOp[] {
  return [get(layout.leader), get(layout.head)];
}

/** What was found instead of doing it: it had been done, or (undefined) it had not. Throws when it never will be. */
function doneBefore(
  { layout, tenure }: FencedTxnOptions,
  headRevision: number,
  response: TxnResponse__Output,
  isMine: (head: KeyValue__Output) => boolean,
): Done | undefined {
  const leader = found(response, 0);
  const head = found(response, 1);
  if (head && isMine(head)) return { headRevision: head.mod_revision };
  if (leader?.create_revision !== tenure.term) {
    throw tenure.lose(leader ? `term ${leader.create_revision} has begun` : "its election key is gone");
  }
  if ((head?.mod_revision ?? 0) !== headRevision) raiseForeignHead(layout);
  return undefined;
}

function raiseForeignHead(layout: Layout): never {
  throw new StoreError("failed", `${layout.head} was changed by something that does not lead`);
}

function isNoSpace(error: unknown): boolean {
  return error instanceof EtcdError && error.code === "no_space";
}

function failed(error: unknown, tenure: EtcdTenure): StoreError {
  const code = error instanceof EtcdError ? error.code : undefined;
  const cause = { cause: error };
  if (code === "no_space") return new StoreError("failed", `cannot write to etcd: ${NO_SPACE_ADVICE}`, cause);
  if (code !== "unavailable") return new StoreError("failed", `cannot write to etcd: ${messageOf(error)}`, cause);
  const why = tenure.over.aborted ? `term ${tenure.term} is over` : `no answer within ${GIVE_UP_MS} ms`;
  return new StoreError("failed", `a write to etcd may or may not have been done: ${why}: ${messageOf(error)}`, cause);
}
