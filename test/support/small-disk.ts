/** A disk of a few megabytes, to be filled. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, systemErrorCode } from "../../base/errors.ts";

const PIECE = Buffer.alloc(64 * 1024, "x");
const PAGE = Buffer.alloc(4 * 1024, "x");

/** Skips a test where no disk can be mounted. */
export function skipWithoutSmallDisk(context: { skip: (condition: boolean, reason: string) => void }): void {
  context.skip(process.getuid?.() !== 0, "only root can mount a small disk");
}

export class SmallDisk {
  readonly directory = mkdtempSync(join(tmpdir(), "gpusched-disk-"));
  readonly #filler = join(this.directory, "filler");

  constructor(megabytes: number) {
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "gpusched-test", this.directory]);
    } catch (error) {
      throw new Error(`a small disk cannot be mounted: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Takes all the room that is left. */
  fill(): void {
    const file = openSync(this.#filler, "a");
    for (const piece of [PIECE, PAGE]) while (writeAll(file, piece));
    closeSync(file);
  }

  /** Gives it back. */
  empty(): void {
    rmSync(this.#filler, { force: true });
  }

  async close(): Promise<void> {
    execFileSync("umount", ["--lazy", this.directory]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** False when there is no room for all of it. */
function writeAll(file: number, piece: Buffer): boolean {
  try {
    return writeSync(file, piece) === piece.length;
  } catch (error) {
    if (systemErrorCode(error) === "ENOSPC") return false;
    throw error;
  }
}
