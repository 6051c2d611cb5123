import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Limit } from "../report.ts";

/** About the length of a job's row as it is stored. */
export const ROW_BYTES = 600;
const PAGE_BYTES = 4_096;

/**
 * Rows a second that the disk itself makes durable: appended to a file in groups, and one fdatasync for each group.
 * No store that waits for the disk is faster.
 */
export function measureDisk(directory: string, rowsPerSync: number, durationMs: number): Limit {
  const file = openSync(join(directory, "bare"), "a");
  const group = Buffer.alloc(Math.max(PAGE_BYTES, rowsPerSync * ROW_BYTES), 1);
  let syncs = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < durationMs) {
    writeSync(file, group);
    fdatasyncSync(file);
    syncs += 1;
  }
  const seconds = (performance.now() - startMs) / 1_000;
  closeSync(file);
  return { name: "appended, then fdatasync", value: (syncs * rowsPerSync) / seconds };
}
