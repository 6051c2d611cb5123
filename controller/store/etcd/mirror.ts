import type { Logger } from "../../../base/logger.ts";
import { delay } from "../../../base/abort.ts";
import type { Service } from "../../../base/service.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Event__Output } from "../../../proto/generated/etcdserverpb/Event.ts";
import type { KeyValue__Output } from "../../../proto/generated/etcdserverpb/KeyValue.ts";
import { type Row, StoreError, type Write } from "../store.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { decodePart, type Head, type Layout, parseCluster, parseHead } from "./layout.ts";
import { readSnapshot } from "./snapshot.ts";
import { Watcher } from "./watcher.ts";

/** What a term begins with, as it was found. */
export interface Found {
  readonly clusterId: string;
  /** By how much terms are above the revisions that etcd counts. */
  readonly termOffset: number;
  readonly head: Head;
  /** The etcd revision that changed the head last. */
  readonly headRevision: number;
  readonly rows: readonly Row[];
  /** The writes of the bundle that the head names: `rows` has them, the rows in etcd may not have all yet. */
  readonly unapplied: readonly Write[];
  /** Bundles that no head names: their leader ended before it committed them. */
  readonly staleBundles: readonly string[];
}

/** Without a word for so long at the moment of election, the watch moves to another member. */
const STALL_MS = 1_000;
const RETRY_MS = 500;

/** A hot copy of all that is stored, kept by a watch, so that whoever is elected begins at once. */
export class Mirror implements Service {
  readonly #client: EtcdClient;
  readonly #layout: Layout;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  readonly #rows = new Map<string, Row>();
  readonly #records = new Map<string, { readonly text: string; readonly revision: number }>();
  #watcher: Watcher | undefined;
  readonly #damaged = new Map<string, StoreError>();
  /** The revision that made the election key that was read last; 0 without one. */
  #termRead = 0;
  /** The same, once everything up to that revision has been read. */
  #term = 0;
  #onTerm: () => void = () => undefined;

  constructor(options: { readonly client: EtcdClient; readonly layout: Layout; readonly log: Logger }) {
    this.#client = options.client;
    this.#layout = options.layout;
    this.#log = options.log;
    this.#running = this.#run();
  }

  get rowCount(): number {
    return this.#rows.size;
  }

  /** Of the last commit that the copy has. */
  get headRevision(): number | undefined {
    const head = this.#records.get(this.#layout.head);
    return head && parseHead(this.#layout, head.text).revision;
  }

  /**
   * Waits until the copy has come to the revision that made the election key, and ends: no earlier term can have written after
   * that. Gives what is stored; undefined when nothing ever was.
   *
   * @throws StoreError `damaged`
   */
  async upTo(term: number, signal: AbortSignal): Promise<Found | undefined> {
    while (this.#term !== term) {
      signal.throwIfAborted();
      const { promise: changed, resolve } = Promise.withResolvers<void>();
      this.#onTerm = resolve;
      const stalled = await Promise.race([changed, delay(STALL_MS, signal).then(() => true)]);
      if (stalled) this.#watcher?.turn();
    }
    await this.close();
    for (const damage of this.#damaged.values()) throw damage;
    return this.#compose();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watcher?.close();
    await this.#running;
  }

  /** A snapshot and what follows it; again whenever what follows has been forgotten. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        this.#clear();
        const revision = await readSnapshot(this.#client, this.#layout.prefix, signal, (page) => {
          for (const kv of page) this.#put(kv);
        });
        this.#tellTerm();
        this.#log.debug({ revision, rows: this.#rows.size }, "copy of the state read");
        await this.#follow(revision + 1);
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warn({ error: messageOf(error) }, "cannot read the state from etcd");
        await delay(RETRY_MS, signal);
      }
    }
  }

  /** Resolves when the watch is over. */
  async #follow(from: number): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve());
    this.#watcher = new Watcher({
      client: this.#client,
      prefix: this.#layout.prefix,
      from,
      onEvents: (events) => this.#take(events),
      onCompacted: () => {
        this.#log.info("the copy of the state fell behind what etcd remembers: reading it anew");
        resolve();
      },
      log: this.#log,
    });
    await over;
  }

  #clear(): void {
    this.#rows.clear();
    this.#records.clear();
    this.#damaged.clear();
    this.#termRead = 0;
    this.#term = 0;
  }

  #take(events: readonly Event__Output[]): void {
    for (const { type, kv } of events) {
      if (!kv) continue;
      if (type === "DELETE") this.#remove(kv.key.toString());
      else this.#put(kv);
    }
    this.#tellTerm();
  }

  #tellTerm(): void {
    this.#term = this.#termRead;
    this.#onTerm();
  }

  #put({ key, value, mod_revision, create_revision }: KeyValue__Output): void {
    const etcdKey = key.toString();
    try {
      const row = this.#layout.parseRow(etcdKey);
      if (!row) this.#records.set(etcdKey, { text: value.toString(), revision: mod_revision });
      else this.#rows.set(etcdKey, { ...row, value: this.#layout.parseObject(etcdKey, value.toString()) });
      if (etcdKey === this.#layout.leader) this.#termRead = create_revision;
      this.#damaged.delete(etcdKey);
    } catch (error) {
      // Said when somebody wants to begin with it: it may have been put right by then.
      this.#damaged.set(etcdKey, error instanceof StoreError ? error : this.#layout.damaged(messageOf(error)));
    }
  }

  #remove(etcdKey: string): void {
    this.#rows.delete(etcdKey);
    this.#records.delete(etcdKey);
    this.#damaged.delete(etcdKey);
    if (etcdKey === this.#layout.leader) this.#termRead = 0;
  }

  #compose(): Found | undefined {
    const layout = this.#layout;
    const cluster = this.#records.get(layout.cluster);
    const head = this.#records.get(layout.head);
    this.#refuseIfMoved();
    if (!cluster && !head && this.#rows.size === 0) return undefined;
    if (!cluster) throw layout.damaged(`key ${layout.cluster} is missing`);
    const { clusterId, termOffset } = parseCluster(layout, cluster.text);
    if (!head) throw layout.damaged(`key ${layout.head} is missing`);
    const parsed = parseHead(layout, head.text);
    const unapplied = this.#unapplied(parsed);
    for (const { table, key, value } of unapplied) {
      const etcdKey = layout.row({ table, key });
      if (value === null) this.#rows.delete(etcdKey);
      else this.#rows.set(etcdKey, { table, key, value });
    }
    return {
      clusterId,
      termOffset,
      head: parsed,
      headRevision: head.revision,
      rows: [...this.#rows.values()],
      unapplied,
      staleBundles: this.#staleBundles(parsed),
    };
  }

  #refuseIfMoved(): void {
    const { moving, moved } = this.#layout;
    const gone = this.#records.get(moved);
    if (gone) throw this.#layout.movedAway(String(this.#layout.parseObject(moved, gone.text)["to"]));
    if (this.#records.has(moving)) throw this.#layout.halfMoved();
  }

  #unapplied({ bundle }: Head): Write[] {
    if (!bundle) return [];
    return Array.from({ length: bundle.parts }, (_, index) => {
      const etcdKey = this.#layout.part(bundle.id, index);
      const part = this.#records.get(etcdKey);
      if (!part) throw this.#layout.damaged(`key ${etcdKey} is missing`);
      return decodePart(this.#layout, etcdKey, part.text);
    }).flat();
  }

  #staleBundles({ bundle }: Head): string[] {
    const ids = new Set<string>();
    for (const etcdKey of this.#records.keys()) {
      const id = etcdKey.startsWith(this.#layout.bundles) && etcdKey.slice(this.#layout.bundles.length).split("/")[0];
      if (id && id !== bundle?.id) ids.add(id);
    }
    return [...ids];
  }
}
