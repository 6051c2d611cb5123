/**
 * The store of several controllers: rows in etcd, written only by the one that leads.
 *
 * Every commit puts the head. A commit that fits into one of etcd's transactions puts its rows with it. A larger one is written
 * down first, as a bundle: its parts, which nothing names yet, and then the head, which names them: that is when it is durable, all
 * or nothing. Its rows follow; the next commit waits for them and removes the bundle. Whoever begins a term finds rows and bundle,
 * takes the bundle's writes as done, and finishes what its predecessor could not.
 */
import { randomUUID } from "node:crypto";
import { delay } from "../../../base/abort.ts";
import type { Logger } from "../../../base/logger.ts";
import type { RequestOp } from "../../../proto/generated/etcdserverpb/RequestOp.ts";
import type { Mark } from "../accepted-loss.ts";
import { type Store, type StoreContents, StoreError, type Write } from "../store.ts";
import { acceptLoss } from "./accept-loss.ts";
import { encodeParts, groupAsRows, MAX_DROPPED_BUNDLEES, refuseTooLarge } from "./commit-plan.ts";
import { Compactor } from "./compactor.ts";
import { createCluster } from "./create-cluster.ts";
import type { EtcdClient } from "./etcd-client.ts";
import type { HealthWatch } from "./etcd-health.ts";
import { fencedTxn } from "./fenced-txn.ts";
import { type Head, type Layout, type PackedWrite, packWrites, parseHead } from "./layout.ts";
import { type Found, Mirror } from "./mirror.ts";
import { put, remove, removeAll } from "./requests.ts";
import type { EtcdTenure } from "./tenure.ts";

export interface EtcdStoreOptions {
  readonly client: EtcdClient;
  readonly layout: Layout;
  readonly tenure: EtcdTenure;
  /** How often what rows were before is forgotten; 0 is never. */
  readonly compactEveryMs: number;
  /** Whether etcd has room. */
  readonly room?: Pick<HealthWatch, "noteRefused" | "noteWritten" | "isFull" | "shortage" | "onPressure"> | undefined;
  /** How far the cluster had come whose latest state is lost, once a person has accepted that. */
  readonly lost?: Mark | undefined;
  readonly log: Logger;
}

/** Transactions of one commit that are under way at once. */
const IN_FLIGHT = 4;
/** How long a bundle's rows that have found no room wait. */
const NO_ROOM_RETRY_MS = 500;

const CLOSED = new StoreError("failed", "the store is closed");

/** Begins the term: what the mirror has found, made into a store; a new cluster where it has found nothing. */
export async function beginTerm(options: EtcdStoreOptions, found: Found | undefined): Promise<Store> {
  const begun = found ?? (await createCluster(options, randomUUID()));
  return new EtcdStore(options, await acceptLoss(options, begun, options.lost));
}

class EtcdStore implements Store {
  readonly kind = "etcd";
  readonly tenure: EtcdTenure;
  readonly #options: EtcdStoreOptions;
  readonly #compactor: Compactor;
  #contents: StoreContents | undefined;
  #head: Head;
  #headRevision: number;
  /** To be removed by the next commit. */
  #oldBundles: readonly string[];
  /** Resolves when the last bundle's rows are all there. */
  #applied: Promise<void>;
  /** Rejects when they find no room. */
  #noRoom = unrejected();
  /** Bundles that were given up for lack of room: none may have the name of another. */
  #givenUp = 0;
  #queue: Promise<unknown> = Promise.resolve();
  #over: StoreError | undefined;
  #isClosing = false;
  #closed: Promise<void> | undefined;

  constructor(options: EtcdStoreOptions, found: Found) {
    const { clusterId, termOffset, head, headRevision, rows, unapplied, staleBundles } = found;
    this.#options = options;
    this.tenure = options.tenure;
    this.#contents = { clusterId, term: this.tenure.term + termOffset, revision: head.revision, rows };
    this.#head = head;
    this.#headRevision = headRevision;
    this.#oldBundles = [...(head.bundle ? [head.bundle.id] : []), ...staleBundles].slice(0, MAX_DROPPED_BUNDLEES);
    this.#applied = this.#apply(packWrites(unapplied));
    const compactor = new Compactor(options);
    this.#compactor = compactor;
    if (options.room) options.room.onPressure = () => compactor.compactNow();
  }

  get shortage(): string | undefined {
    return this.#options.room?.shortage;
  }

  get isFull(): boolean {
    return this.#options.room?.isFull ?? false;
  }

  /** @throws StoreError `failed` when it is not what this term has written last */
  async recall(): Promise<StoreContents> {
    if (this.#over) throw this.#over;
    const mirror = new Mirror(this.#options);
    let found: Found | undefined;
    try {
      found = await mirror.upTo(this.tenure.term, this.tenure.over);
    } finally {
      await mirror.close();
    }
    if (found?.headRevision !== this.#headRevision) {
      throw new StoreError("failed", "what is in etcd is not what this term has written last");
    }
    const { clusterId, termOffset, head, rows } = found;
    return { clusterId, term: this.tenure.term + termOffset, revision: head.revision, rows };
  }

  /** What was found at the election; handed out once, so that it is not held for ever. */
  async load(): Promise<StoreContents> {
    if (this.#over) throw this.#over;
    const contents = this.#contents;
    if (!contents) throw new StoreError("failed", "the store was loaded before: campaign again to load again");
    this.#contents = undefined;
    return contents;
  }

  commit(writes: readonly Write[]): Promise<number> {
    if (this.#over) return Promise.reject(this.#over);
    const commit = this.#queue.then(() => this.#commit(writes));
    this.#queue = commit.catch(() => undefined);
    return commit;
  }

  close(): Promise<void> {
    this.#over ??= CLOSED;
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** A commit under way is finished; rows of a bundle that are still to come are left to the next term. */
  async #close(): Promise<void> {
    await this.#queue;
    this.#isClosing = true;
    await this.#applied.catch(() => undefined);
    const { room } = this.#options;
    if (room) room.onPressure = () => undefined;
    await this.#compactor.close();
    await this.tenure.close();
    this.#options.log.info({ term: this.tenure.term, revision: this.#head.revision }, "store closed");
  }

  async #commit(writes: readonly Write[]): Promise<number> {
    // Set by an earlier commit: one that was asked for before the store was closed is finished.
    if (this.#over && this.#over !== CLOSED) throw this.#over;
    const packed = packWrites(writes);
    try {
      refuseTooLarge(packed);
      await Promise.race([this.#applied, this.#noRoom.promise]);
      const groups = groupAsRows(packed);
      if (groups.length > 1) await this.#commitBundle(packed);
      else
        await this.#moveHead(
          {},
          packed.map((write) => this.#rowOperation(write)),
        );
      return this.#head.revision;
    } catch (error) {
      // What found no room was not done: others may follow.
      if (error instanceof StoreError && error.code !== "full") this.#over = error;
      throw error;
    }
  }

  async #commitBundle(writes: readonly PackedWrite[]): Promise<void> {
    const { layout, tenure } = this.#options;
    const parts = encodeParts(writes);
    const id = `${tenure.term}-${this.#head.revision + 1}${this.#givenUp === 0 ? "" : `.${this.#givenUp}`}`;
    const puts = parts.map((text, index) => put(layout.part(id, index), text));
    // The last part goes with the head: most bundles are one transaction.
    const last = puts.splice(-1);
    try {
      await this.#inTurns(puts.map((operation) => [operation]));
      await this.#moveHead({ bundle: { id, parts: parts.length } }, last);
    } catch (error) {
      this.#givenUp += 1;
      if (this.#oldBundles.length < MAX_DROPPED_BUNDLEES) this.#oldBundles = [...this.#oldBundles, id];
      throw error;
    }
    this.#oldBundles = [id];
    this.#applied = this.#apply(writes);
  }

  /** Makes a commit durable. */
  async #moveHead(named: Pick<Head, "bundle">, operations: readonly RequestOp[]): Promise<void> {
    const { layout, tenure } = this.#options;
    const head: Head = { revision: this.#head.revision + 1, term: tenure.term, ...named };
    const drops = this.#oldBundles.map((id) => removeAll(layout.bundle(id)));
    const { headRevision } = await fencedTxn(
      this.#options,
      this.#headRevision,
      [put(layout.head, JSON.stringify(head)), ...drops, ...operations],
      ({ value }) => {
        const { revision, term } = parseHead(layout, value.toString());
        return revision === head.revision && term === head.term;
      },
    );
    this.#head = head;
    this.#headRevision = headRevision;
    this.#oldBundles = [];
  }

  /** Puts a bundle's rows, in any order: each key is there once. */
  #apply(writes: readonly PackedWrite[]): Promise<void> {
    const groups = groupAsRows(writes).map((group) => group.map((write) => this.#rowOperation(write)));
    const applied = this.#inTurns(groups, true);
    // Whoever commits next is told; if nobody does, the bundle stays.
    applied.catch(() => undefined);
    return applied;
  }

  async #inTurns(transactions: RequestOp[][], waitsForRoom = false): Promise<void> {
    const waiting = transactions.values();
    const headRevision = this.#headRevision;
    const work = async (): Promise<void> => {
      for (const operations of waiting) {
        if (this.#isClosing) throw CLOSED;
        const attempt = () => fencedTxn(this.#options, headRevision, operations, () => false);
        await (waitsForRoom ? this.#whenThereIsRoom(attempt) : attempt());
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  }

  /** For what is durable already and must be done: whoever wants to commit meanwhile is told that there is no room. */
  async #whenThereIsRoom<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== "full" || this.#isClosing) throw error;
        const noRoom = this.#noRoom;
        noRoom.reject(error);
        const { over } = this.tenure;
        while (this.isFull && !this.#isClosing && !over.aborted) await delay(NO_ROOM_RETRY_MS, over);
        // Several rows wait at once, and the first one back says so.
        if (this.#noRoom === noRoom) this.#noRoom = unrejected();
      }
    }
  }

  #rowOperation(write: PackedWrite): RequestOp {
    const etcdKey = this.#options.layout.row(write);
    return write.text === null ? remove(etcdKey) : put(etcdKey, write.text);
  }
}

/** A promise that may be rejected before anybody waits for it. */
function unrejected(): PromiseWithResolvers<never> {
  const one = Promise.withResolvers<never>();
  one.promise.catch(() => undefined);
  return one;
}
