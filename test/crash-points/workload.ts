/** What the store is given between crashes: a batch for each revision, so that the revision alone says what must be there. */
import { createHash } from "node:crypto";
import type { Row, Write } from "../../controller/store/store.ts";

/** Enough pages for several checkpoints of the write-ahead log. */
const LONGEST_ROW = 90_000;

/** The batch that makes the revision: rows that come, change and go, from a line to many pages. */
export function batchOf(revision: number): readonly Write[] {
  const padding = "x".repeat((revision * 7_919) % LONGEST_ROW);
  const writes: Write[] = [
    { table: "job", key: `job-${revision}`, value: { revision, padding } },
    { table: "spec", key: `job-${revision}`, value: { revision } },
    { table: "node", key: "node-1", value: { revision } },
  ];
  const gone = revision - 9;
  if (gone < 1) return writes;
  return [...writes, ...(["job", "spec"] as const).map((table) => ({ table, key: `job-${gone}`, value: null }))];
}

/** All that must be stored at the revision, as one hash. */
export function hashAt(revision: number): string {
  const rows = new Map<string, Row>();
  for (let n = 1; n <= revision; n += 1) {
    for (const { table, key, value } of batchOf(n)) {
      if (value === null) rows.delete(`${table}/${key}`);
      else rows.set(`${table}/${key}`, { table, key, value });
    }
  }
  return hashOf([...rows.values()]);
}

/** Whatever their order. */
export function hashOf(rows: readonly Row[]): string {
  const lines = rows.map(({ table, key, value }) => `${table}/${key}/${JSON.stringify(value)}\n`);
  return createHash("sha256").update(lines.sort().join("")).digest("hex");
}
