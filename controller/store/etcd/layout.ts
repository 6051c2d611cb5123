/**
 * How the state lies in etcd, all below one prefix; every value is JSON, for `etcdctl get --prefix`.
 *
 *     <prefix>cluster              format, clusterId, and by how much terms are above the revisions that etcd counts
 *     <prefix>leader               who leads, until its lease ends; the revision that made this key is the term
 *     <prefix>head                 revision and term of the last commit, changed by each; names a bundle that is not all in rows yet
 *     <prefix>bundle/<id>/<part>   the writes of a commit that is too large for one transaction
 *     <prefix>row/<table>/<key>    a row
 *     <prefix>stir                 written while there is little room, for etcd tells what it has freed only when it writes
 *     <prefix>moving               a migration into this place has begun, and is not done
 *     <prefix>moved                where the state has gone
 */
import { type RowValue, StoreError, TABLES, type Table, type Write } from "../store.ts";

/** The version of what is stored. A newer one was written by a newer program and is left alone. 2 has terms that are lifted. */
export const FORMAT = 2;

export const DEFAULT_PREFIX = "gpusched/";

export class Layout {
  readonly prefix: string;
  readonly cluster: string;
  readonly leader: string;
  readonly head: string;
  readonly bundles: string;
  readonly rows: string;
  readonly stir: string;
  readonly moving: string;
  readonly moved: string;

  /** @param prefix ends in an ASCII character, best a slash */
  constructor(prefix: string) {
    this.prefix = prefix;
    this.cluster = `${prefix}cluster`;
    this.leader = `${prefix}leader`;
    this.head = `${prefix}head`;
    this.bundles = `${prefix}bundle/`;
    this.rows = `${prefix}row/`;
    this.stir = `${prefix}stir`;
    this.moving = `${prefix}moving`;
    this.moved = `${prefix}moved`;
  }

  row({ table, key }: { readonly table: Table; readonly key: string }): string {
    return `${this.rows}${table}/${key}`;
  }

  bundle(id: string): string {
    return `${this.bundles}${id}/`;
  }

  /** In an order in which they sort. */
  part(id: string, index: number): string {
    return `${this.bundle(id)}${String(index).padStart(4, "0")}`;
  }

  /** The row's table and key, if that is what the etcd key is of. */
  parseRow(etcdKey: string): { table: Table; key: string } | undefined {
    if (!etcdKey.startsWith(this.rows)) return undefined;
    const rest = etcdKey.slice(this.rows.length);
    const slash = rest.indexOf("/");
    const table = TABLES.find((name) => name === rest.slice(0, slash));
    if (!table) throw this.damaged(`key ${JSON.stringify(etcdKey)} is of no table`);
    return { table, key: rest.slice(slash + 1) };
  }

  parseObject(etcdKey: string, text: string): RowValue {
    const value = parseJson(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as RowValue;
    throw this.damaged(`the value of key ${JSON.stringify(etcdKey)} is not a JSON object`);
  }

  movedAway(to: string): StoreError {
    const where = `the state that was in etcd below ${JSON.stringify(this.prefix)} was moved to ${to}`;
    return new StoreError("damaged", `${where}: start the controller there. Nothing was changed.`);
  }

  halfMoved(): StoreError {
    return new StoreError(
      "damaged",
      `a migration into etcd below ${JSON.stringify(this.prefix)} was not finished, and what it came from is as it was: ` +
        `remove what is there (etcdctl del --prefix ${this.prefix}) and run gpusched migrate again.`,
    );
  }

  damaged(what: string): StoreError {
    return new StoreError(
      "damaged",
      `the store in etcd below ${JSON.stringify(this.prefix)} is damaged: ${what}. Nothing was changed. ` +
        "Restore etcd from a snapshot, or give another prefix to start empty.",
    );
  }
}

/** What `<prefix>cluster` says. */
export interface ClusterRecord {
  readonly format: number;
  readonly clusterId: string;
  /**
   * What is added to the revision that made the election key: the cluster has seen higher terms than this etcd has revisions, in
   * another store or before etcd was restored.
   */
  readonly termOffset: number;
}

export function encodeCluster({ clusterId, termOffset }: Omit<ClusterRecord, "format">): string {
  return JSON.stringify(termOffset === 0 ? { format: 1, clusterId } : { format: FORMAT, clusterId, termOffset });
}

/** What `<prefix>head` says. */
export interface Head {
  readonly revision: number;
  readonly term: number;
  readonly bundle?: { readonly id: string; readonly parts: number } | undefined;
}

export function parseCluster(layout: Layout, text: string): ClusterRecord {
  const { format, clusterId, termOffset = 0 } = layout.parseObject(layout.cluster, text);
  if (!isCount(format) || typeof clusterId !== "string" || !isCount(termOffset))
    throw layout.damaged(`${layout.cluster} cannot be understood`);
  if (format > FORMAT) {
    throw new StoreError(
      "damaged",
      `the store in etcd below ${JSON.stringify(layout.prefix)} has format ${format}, and this program knows up to ` +
        `${FORMAT}: it was written by a newer one. Nothing was changed.`,
    );
  }
  return { format, clusterId, termOffset };
}

export function parseHead(layout: Layout, text: string): Head {
  const { revision, term, bundle } = layout.parseObject(layout.head, text);
  if (!isCount(revision) || !isCount(term)) throw layout.damaged(`${layout.head} cannot be understood`);
  if (bundle === undefined) return { revision, term };
  const { id, parts } = (bundle ?? {}) as { id?: unknown; parts?: unknown };
  if (typeof id !== "string" || !isCount(parts)) throw layout.damaged(`${layout.head} names a bundle without parts`);
  return { revision, term, bundle: { id, parts } };
}

/** A write whose value is text already; null removes. */
export interface PackedWrite {
  readonly table: Table;
  readonly key: string;
  readonly text: string | null;
  readonly bytes: number;
}

/** The writes as text: the last one of each key, because etcd refuses two puts of one key in a transaction. */
export function packWrites(writes: readonly Write[]): PackedWrite[] {
  const packed = new Map<string, PackedWrite>();
  for (const { table, key, value } of writes) {
    const text = value === null ? null : JSON.stringify(value);
    const bytes = Buffer.byteLength(key) + (text === null ? 0 : Buffer.byteLength(text));
    packed.set(`${table}/${key}`, { table, key, text, bytes });
  }
  return [...packed.values()];
}

/** One part of a bundle: `[["job","key",{…}],["job","gone",null]]`. */
export function encodePart(writes: readonly PackedWrite[]): string {
  return `[${writes.map(({ table, key, text }) => `["${table}",${JSON.stringify(key)},${text ?? "null"}]`).join(",")}]`;
}

export function decodePart(layout: Layout, etcdKey: string, text: string): Write[] {
  const entries = parseJson(text);
  if (!Array.isArray(entries)) throw layout.damaged(`the value of key ${etcdKey} is not a list of writes`);
  return entries.map((entry: unknown) => {
    const [table, key, value] = Array.isArray(entry) ? (entry as unknown[]) : [];
    const known = TABLES.find((name) => name === table);
    if (!known || typeof key !== "string" || typeof value !== "object") {
      throw layout.damaged(`the value of key ${etcdKey} is not a list of writes`);
    }
    return { table: known, key, value: value as RowValue | null };
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
