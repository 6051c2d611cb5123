import { existsSync, statSync } from "node:fs";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { StoreError, TABLES, type Table } from "../store.ts";
import { type DataPaths, readClusterFile } from "./data-directory.ts";
import type { Mark } from "../accepted-loss.ts";
import { readRevisionMark } from "./revision-mark.ts";
import { refuseIfMoved } from "./moved.ts";
import { ALL_TABLES, createTableSql, FORMAT, LATER_TABLES, type Meta, readMeta, rowCrc } from "./schema.ts";
import { damaged, failed, unreadable } from "./store-errors.ts";

/** Rows of one table as key, JSON text, key, JSON text, …: flat, because that crosses threads cheaply. */
export interface RowChunk {
  readonly table: Table;
  readonly texts: readonly string[];
}

/** A chunk ends with the row that makes it this long, so one is as long as this and the longest row. */
const CHUNK_CHARACTERS = 1_048_576;

/**
 * Reads a store that is there and distrusts it: what it throws is `damaged`. The store is sound once all rows have been read and
 * its pages checked, in either order; until then nothing is written. (SQLite itself may make a `-shm` file beside a `-wal`: an index that holds no data.)
 */
export class Inspection {
  readonly meta: Meta;
  readonly #paths: DataPaths;
  readonly #database: DatabaseSync;
  readonly #chunks: Iterator<RowChunk, undefined>;

  /** Checks what takes no time: that this is the store that was here last, and none that is newer than this program. */
  constructor(paths: DataPaths) {
    this.#paths = paths;
    this.#database = openReadOnly(paths);
    try {
      this.meta = check(paths, this.#database);
    } catch (error) {
      this.#database.close();
      throw unreadable(paths, error);
    }
    this.#chunks = readChunks(this.#database);
  }

  /** Whether SQLite's own structures are whole, its indexes included. Takes time in proportion to the size of the database. */
  checkPages(): void {
    try {
      const [finding] = Object.values(this.#database.prepare("PRAGMA integrity_check(1)").get() ?? {});
      if (finding !== "ok") throw new Error(String(finding));
    } catch (error) {
      throw unreadable(this.#paths, error);
    }
  }

  /** The next rows, their checksums verified; undefined after the last. */
  next(): RowChunk | undefined {
    try {
      return this.#chunks.next().value;
    } catch (error) {
      throw unreadable(this.#paths, error);
    }
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

function openReadOnly(paths: DataPaths): DatabaseSync {
  if (!existsSync(paths.database)) throw damaged(paths, `${paths.database} is missing`);
  const file = statSync(paths.database);
  if (!file.isFile()) throw damaged(paths, `${paths.database} is not a file`);
  if (file.size === 0) throw damaged(paths, `${paths.database} is empty`);
  const url = pathToFileURL(paths.database);
  // Without a log there is nothing to merge, and SQLite is told so: it would make one even to read.
  if (!existsSync(paths.wal) && !existsSync(paths.journal)) url.searchParams.set("immutable", "1");
  try {
    return new DatabaseSync(url, { readOnly: true });
  } catch (error) {
    throw failed(`open ${paths.database}`, error);
  }
}

function check(paths: DataPaths, database: DatabaseSync): Meta {
  refuseIfMoved(paths);
  const cluster = readClusterFile(paths);
  if (cluster) checkFormat(paths, cluster.format);
  const meta = readMeta(database);
  checkFormat(paths, meta.format);
  checkSchema(database);
  if (cluster && cluster.clusterId !== meta.clusterId) {
    throw damaged(
      paths,
      `${paths.database} belongs to cluster ${meta.clusterId}, ${paths.cluster} to ${cluster.clusterId}`,
    );
  }
  checkNothingLost(paths, meta, readRevisionMark(paths));
  return meta;
}

function checkFormat(paths: DataPaths, format: number): void {
  if (format <= FORMAT) return;
  throw new StoreError(
    "damaged",
    `the store in ${paths.directory} was written by a newer version of this program (format ${format}; this one knows ${FORMAT}). ` +
      "Nothing was changed. Start the newer version, or move the directory away to start empty.",
  );
}

function checkSchema(database: DatabaseSync): void {
  const select = database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?");
  for (const table of ALL_TABLES) {
    const sql = select.get(table)?.sql;
    if (sql === undefined && LATER_TABLES.has(table)) continue;
    if (sql !== createTableSql(table)) throw new Error(`table ${table} is not as it was made`);
  }
}

function checkNothingLost(paths: DataPaths, meta: Meta, mark: Mark | undefined): void {
  if (!mark || (mark.revision <= meta.revision && mark.term <= meta.term)) return;
  throw damaged(
    paths,
    `${paths.database} stands at revision ${meta.revision} of term ${meta.term}, but ${paths.revision} saw revision ` +
      `${mark.revision} of term ${mark.term}: what was stored last is lost (to accept that loss, remove ${paths.revision})`,
  );
}

function* readChunks(database: DatabaseSync): Generator<RowChunk, undefined> {
  const found = new Set(
    database
      .prepare("SELECT name FROM sqlite_schema")
      .all()
      .map(({ name }) => name),
  );
  for (const table of TABLES.filter((name) => found.has(name))) {
    let texts: string[] = [];
    let characters = 0;
    const select = database.prepare(`SELECT key, value, crc FROM ${table}`);
    // Nothing is made of a row but its columns: there may be hundreds of thousands.
    select.setReturnArrays(true);
    for (const row of select.iterate() as Iterable<unknown> as Iterable<readonly SQLOutputValue[]>) {
      const [key, value] = verifiedRow(table, row);
      texts.push(key, value);
      characters += key.length + value.length;
      if (characters < CHUNK_CHARACTERS) continue;
      yield { table, texts };
      texts = [];
      characters = 0;
    }
    if (texts.length > 0) yield { table, texts };
  }
  return undefined;
}

function verifiedRow(table: Table, [key, value, crc]: readonly SQLOutputValue[]): [string, string] {
  if (typeof key !== "string" || typeof value !== "string" || crc !== rowCrc(key, value)) {
    throw new Error(`row ${JSON.stringify(key)} of table ${table} does not match its checksum`);
  }
  return [key, value];
}
