import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import type { Mark } from "../accepted-loss.ts";
import { type DataPaths, replaceFile } from "./data-directory.ts";
import { damaged } from "./store-errors.ts";

/** Always overwritten in place by one write of one length, so that a kill leaves the old mark or the new one. */
const LENGTH = 64;

/**
 * A second, tiny record of how far the database has come. SQLite takes a write-ahead log that was cut off, or is gone, for one that
 * ended earlier, and would silently drop acknowledged commits: the mark tells. It is written after each commit without a sync: it
 * survives the death of the process, and after a power cut it may be older than the database, never newer.
 */
export class RevisionMark {
  readonly #file: number;

  /** Makes the file if there is none: as a whole, so that a crash leaves none or one that can be understood. */
  constructor(paths: DataPaths, mark: Mark) {
    if (!existsSync(paths.revision)) replaceFile(paths.revision, lineOf(mark), paths.directory);
    this.#file = openSync(paths.revision, "r+");
    this.write(mark);
    fsyncSync(this.#file);
  }

  write(mark: Mark): void {
    writeSync(this.#file, lineOf(mark), 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}

function lineOf({ revision, term }: Mark): string {
  return `revision ${revision} term ${term}`.padEnd(LENGTH - 1).concat("\n");
}

/** Undefined when there is none; throws `damaged` when it cannot be understood. */
export function readRevisionMark(paths: DataPaths): Mark | undefined {
  if (!existsSync(paths.revision)) return undefined;
  const match = /^revision (\d{1,16}) term (\d{1,16}) *\n$/.exec(readFileSync(paths.revision, "utf8"));
  if (!match) throw damaged(paths, `${paths.revision} cannot be understood`);
  return { revision: Number(match[1]), term: Number(match[2]) };
}
