import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { TABLES, type Table } from "../store.ts";

/** The version of what is stored. A database with a higher one was written by a newer program and is left alone. */
export const FORMAT = 1;

export const ALL_TABLES: readonly (Table | "meta")[] = [...TABLES, "meta"];

/** Tables that a store lacks which an earlier version has made, until a term begins on it. */
export const LATER_TABLES: ReadonlySet<Table | "meta"> = new Set<Table>(["membership"]);

/** Every table has the same shape. The statement is also what `sqlite_schema` must say at the next open. */
export function createTableSql(table: Table | "meta"): string {
  return `CREATE TABLE ${table} (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL) STRICT`;
}

export function upsertSql(table: Table | "meta"): string {
  return (
    `INSERT INTO ${table} (key, value, crc) VALUES (?, ?, ?) ` +
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, crc = excluded.crc"
  );
}

/** The checksum of a row: CRC-32 of the key's and then the value's UTF-8. */
export function rowCrc(key: string, value: string): number {
  return crc32(value, crc32(key));
}

/** The rows of table `meta`. */
export interface Meta {
  readonly format: number;
  readonly clusterId: string;
  readonly term: number;
  readonly revision: number;
}

/** Throws an Error that says what is wrong when a row is missing, does not match its checksum or is no number. */
export function readMeta(database: DatabaseSync): Meta {
  const select = database.prepare("SELECT value, crc FROM meta WHERE key = ?");
  const text = (key: keyof Meta): string => {
    const row = select.get(key);
    if (typeof row?.value !== "string") throw new Error(`row ${key} of table meta is missing`);
    if (row.crc !== rowCrc(key, row.value)) throw new Error(`row ${key} of table meta does not match its checksum`);
    return row.value;
  };
  const count = (key: keyof Meta): number => {
    const value = Number(text(key));
    if (!Number.isSafeInteger(value)) throw new Error(`row ${key} of table meta is not a number`);
    return value;
  };
  return { format: count("format"), clusterId: text("clusterId"), term: count("term"), revision: count("revision") };
}
