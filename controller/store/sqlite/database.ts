import { randomUUID } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { messageOf } from "../../../base/errors.ts";
import { formatTimestamp } from "../../../base/time.ts";
import { type Row, StoreError, type Table } from "../store.ts";
import { type DataPaths, syncDirectory, writeClusterFile } from "./data-directory.ts";
import { liftedRevision, type Mark } from "../accepted-loss.ts";
import { RevisionMark } from "./revision-mark.ts";
import { ALL_TABLES, createTableSql, FORMAT, LATER_TABLES, type Meta, readMeta, rowCrc, upsertSql } from "./schema.ts";
import { failed } from "./store-errors.ts";

/** A write whose value is already JSON text; null removes the row. */
export interface PackedWrite {
  readonly table: Table;
  readonly key: string;
  readonly text: string | null;
}

/** How long a commit waits for another program, such as the sqlite3 tool, that is writing to the database. */
const BUSY_TIMEOUT_MS = 5_000;

/** Makes a database under another name and renames it, so that one that is there is always whole. An empty one unless it is said what is in it. */
export function createDatabase(
  paths: DataPaths,
  { meta, rows }: { readonly meta: Meta; readonly rows: readonly Row[] } = emptyState(),
): void {
  const draft = `${paths.database}.new`;
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(draft + suffix, { force: true });
  const database = new DatabaseSync(draft);
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN");
    for (const table of ALL_TABLES) database.exec(createTableSql(table));
    const insert = database.prepare(upsertSql("meta"));
    for (const [table, own] of Map.groupBy(rows, (row) => row.table)) {
      const upsert = database.prepare(upsertSql(table));
      for (const { key, value } of own) {
        const text = JSON.stringify(value);
        upsert.run(key, text, rowCrc(key, text));
      }
    }
    for (const [key, value] of Object.entries(meta)) insert.run(key, String(value), rowCrc(key, String(value)));
    database.exec("COMMIT");
    // Closing does the same, but tells nobody when it fails, and the rows would stay behind.
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
  renameSync(draft, paths.database);
  syncDirectory(paths.directory);
}

function emptyState() {
  return { meta: { format: FORMAT, clusterId: randomUUID(), term: 0, revision: 0 }, rows: [] };
}

/** The database, open for writing, in a term of its own. All calls are synchronous: for the worker thread. */
export class Database {
  /** As the term began. */
  readonly meta: Meta;
  readonly #path: string;
  readonly #connection: DatabaseSync;
  readonly #mark: RevisionMark;
  readonly #advance: StatementSync;
  readonly #upserts = new Map<Table, StatementSync>();
  readonly #removes = new Map<Table, StatementSync>();
  #revision: number;

  /**
   * Begins the next term, durably.
   *
   * @param lost how far the cluster had come whose latest state is lost: the new term is beyond all that anybody remembers of it
   */
  constructor(paths: DataPaths, lost: Mark | undefined) {
    this.#path = paths.database;
    this.#connection = new DatabaseSync(paths.database, { timeout: BUSY_TIMEOUT_MS });
    try {
      this.#connection.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
      // What a process left in the log may be in memory only, if a sync of it had failed: it is written anew, into the database.
      this.#connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      this.meta = beginTerm(this.#connection, lost);
      this.#revision = this.meta.revision;
      this.#advance = this.#connection.prepare(
        "UPDATE meta SET value = ?, crc = ? WHERE key = 'revision' AND value = ? " +
          "AND EXISTS (SELECT 1 FROM meta WHERE key = 'term' AND value = ?)",
      );
      noteCluster(paths, this.meta);
      this.#mark = new RevisionMark(paths, this.meta);
    } catch (error) {
      // Whoever tries again must not find a transaction of ours in the way.
      this.#connection.close();
      throw error;
    }
  }

  /** The new revision, once all writes are durable. After a throw the outcome is unknown: commit no more. `full` was not done. */
  commit(writes: readonly PackedWrite[]): number {
    const revision = this.#revision + 1;
    try {
      this.#connection.exec("BEGIN IMMEDIATE");
      this.#advanceTo(revision);
      for (const write of writes) this.#apply(write);
      this.#connection.exec("COMMIT");
    } catch (error) {
      if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
      throw failed(`commit to ${this.#path}`, error);
    }
    this.#revision = revision;
    try {
      this.#mark.write({ revision, term: this.meta.term });
    } catch (error) {
      // The writes are there: this must not look like a commit that found no room and may be repeated.
      throw new StoreError("failed", `cannot note revision ${revision}: ${messageOf(error)}`, { cause: error });
    }
    return revision;
  }

  /** Moves the write-ahead log into the database file and closes both. */
  close(): void {
    this.#mark.close();
    this.#connection.close();
  }

  /** The term is compared in every commit: should two ever get past the lock, the earlier one is told. */
  #advanceTo(revision: number): void {
    const next = String(revision);
    const { term } = this.meta;
    const { changes } = this.#advance.run(next, rowCrc("revision", next), String(this.#revision), String(term));
    if (changes === 1) return;
    const found = readMeta(this.#connection);
    throw new StoreError(
      "fenced",
      `the database is at revision ${found.revision} of term ${found.term}: term ${term}, at revision ${this.#revision}, is over`,
    );
  }

  #apply({ table, key, text }: PackedWrite): void {
    if (text === null) this.#statement(this.#removes, table, `DELETE FROM ${table} WHERE key = ?`).run(key);
    else this.#statement(this.#upserts, table, upsertSql(table)).run(key, text, rowCrc(key, text));
  }

  #statement(cache: Map<Table, StatementSync>, table: Table, sql: string): StatementSync {
    let statement = cache.get(table);
    if (!statement) {
      statement = this.#connection.prepare(sql);
      cache.set(table, statement);
    }
    return statement;
  }
}

function noteCluster(paths: DataPaths, { clusterId, format }: Meta): void {
  if (existsSync(paths.cluster)) return;
  writeClusterFile(paths, { clusterId, createdAt: formatTimestamp(Date.now()), format });
}

function beginTerm(connection: DatabaseSync, lost: Mark | undefined): Meta {
  connection.exec("BEGIN IMMEDIATE");
  const meta = readMeta(connection);
  const select = connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
  for (const table of LATER_TABLES) if (!select.get(table)) connection.exec(createTableSql(table));
  const isBehind = lost !== undefined && (lost.term > meta.term || lost.revision > meta.revision);
  const term = Math.max(meta.term, isBehind ? lost.term : 0) + 1;
  const revision = isBehind ? liftedRevision(meta.revision, lost) : meta.revision;
  const upsert = connection.prepare(upsertSql("meta"));
  for (const [key, value] of Object.entries({ term, revision })) {
    upsert.run(key, String(value), rowCrc(key, String(value)));
  }
  connection.exec("COMMIT");
  return { ...meta, term, revision };
}
