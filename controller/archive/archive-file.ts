import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeDirectory } from "../../base/make-directory.ts";

/** Lines that are written at once: bounds what is in memory as text. */
const LINES_AT_ONCE = 500;
const NEWLINE = 0x0a;

/** The file that takes what is archived at a time: a new one each month, by UTC. */
export function archivePath(directory: string, at: number): string {
  return join(directory, `jobs-${new Date(at).toISOString().slice(0, 7)}.jsonl`);
}

/**
 * Appends the values, a line of JSON each. Resolves once they would survive a power cut; after a failure some of them may be there.
 * Makes directory and file, for their owner alone, if they are missing.
 */
export async function appendDurably(path: string, values: Iterable<unknown>): Promise<void> {
  makeDirectory(dirname(path));
  const isNew = !existsSync(path);
  const file = await open(path, "a", 0o600);
  try {
    // A line that a crash cut off stays alone on its line.
    if (endsWithinLine(path)) await file.write("\n");
    await writeLines(file, values);
    await file.sync();
  } finally {
    await file.close();
  }
  if (isNew) syncDirectory(dirname(path));
}

async function writeLines(file: FileHandle, values: Iterable<unknown>): Promise<void> {
  let lines: string[] = [];
  const flush = async () => {
    await file.appendFile(lines.join(""));
    lines = [];
  };
  for (const value of values) {
    lines.push(`${JSON.stringify(value)}\n`);
    if (lines.length >= LINES_AT_ONCE) await flush();
  }
  await flush();
}

function endsWithinLine(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
  } finally {
    closeSync(file);
  }
}

/** Makes a new name durable. */
function syncDirectory(directory: string): void {
  const handle = openSync(directory, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
