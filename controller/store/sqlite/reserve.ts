import { randomFillSync } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { isFullDisk } from "../../../base/errors.ts";

/** What one step writes: bounds for how long a commit may have to wait for it. */
const STEP_BYTES = 4 * 1024 * 1024;
/** So much more than the reserve must be free before it is made anew: else a disk that stays full would be full again at once. */
const HEADROOM_SHARE = 0.25;

/**
 * How far the reserve is.
 *
 * - `whole` all of it is there
 * - `growing` another step will do more
 * - `no-room` the disk has too little for it
 */
export type Refill = "whole" | "growing" | "no-room";

/**
 * A file that keeps room for hard times: when the disk is full it goes, and what must still be written has its place. Its content
 * is random, so that no file system stores less of it.
 */
export class Reserve {
  readonly #path: string;
  readonly #bytes: number;

  /** @param bytes 0 for none at all */
  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Gives its room back; false when there is none to give. */
  release(): boolean {
    if (this.#size() === 0) return false;
    rmSync(this.#path, { force: true });
    return true;
  }

  /** Makes some more of it, if there is room beyond it. */
  refill(): Refill {
    const missing = this.#bytes - this.#size();
    if (missing <= 0) return "whole";
    const { bavail, bsize } = statfsSync(dirname(this.#path));
    if (bavail * bsize < missing + this.#bytes * HEADROOM_SHARE) return "no-room";
    try {
      this.#append(Math.min(missing, STEP_BYTES));
    } catch (error) {
      if (!isFullDisk(error)) throw error;
      this.release();
      return "no-room";
    }
    return missing > STEP_BYTES ? "growing" : "whole";
  }

  #append(bytes: number): void {
    const file = openSync(this.#path, "a", 0o600);
    try {
      const piece = randomFillSync(Buffer.allocUnsafe(bytes));
      for (let at = 0; at < bytes; ) at += writeSync(file, piece, at);
      // Some file systems find out only now whether they have the room.
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  #size(): number {
    return existsSync(this.#path) ? statSync(this.#path).size : 0;
  }
}
