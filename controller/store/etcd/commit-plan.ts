import { StoreError } from "../store.ts";
import { encodePart, type PackedWrite } from "./layout.ts";
import { MAX_OPERATIONS } from "./requests.ts";

/** Rows that share a request: etcd takes 1.5 MiB, with keys and all. */
const SHARED_BYTES = 1024 * 1024;
/** One row that has a request for itself. */
export const MAX_ROW_BYTES = 1_400_000;
/** What a row costs beside its key and value. */
const ROW_OVERHEAD_BYTES = 64;
/** Of a transaction: the head, and what removes old bundles. */
export const MAX_DROPPED_BUNDLEES = 16;
const MAX_ROWS = MAX_OPERATIONS - 1 - MAX_DROPPED_BUNDLEES;

/** Throws `failed` for a row that etcd cannot take. Asked before anything is written. */
export function refuseTooLarge(writes: readonly PackedWrite[]): void {
  for (const { table, key, bytes } of writes) {
    if (bytes <= MAX_ROW_BYTES) continue;
    const what = `row ${JSON.stringify(key.slice(0, 100))} of table ${table} has ${bytes} bytes`;
    throw new StoreError("failed", `${what}: etcd takes ${MAX_ROW_BYTES}. Nothing of the commit was stored.`);
  }
}

/** The writes in groups that each fit into a transaction as rows. */
export function groupAsRows(writes: readonly PackedWrite[]): PackedWrite[][] {
  return group(writes, MAX_ROWS);
}

/** The writes as the parts of a bundle, each one value. */
export function encodeParts(writes: readonly PackedWrite[]): string[] {
  return group(writes, Number.POSITIVE_INFINITY).map(encodePart);
}

function group(writes: readonly PackedWrite[], maxRows: number): PackedWrite[][] {
  const groups: PackedWrite[][] = [];
  let current: PackedWrite[] = [];
  let bytes = 0;
  for (const write of writes) {
    const size = write.bytes + ROW_OVERHEAD_BYTES;
    if (current.length > 0 && (current.length === maxRows || bytes + size > SHARED_BYTES)) {
      groups.push(current);
      current = [];
      bytes = 0;
    }
    current.push(write);
    bytes += size;
  }
  if (current.length > 0) groups.push(current);
  return groups;
}
