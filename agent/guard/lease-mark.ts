/** Until when a node's jobs may run, where the guard finds it: one small file, written over in place with every answer of a leader. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { makeDataDirectory } from "../../base/make-directory.ts";
import type { Service } from "../../base/service.ts";

const FILE_NAME = "lease-mark";
/** Always as long: written over in place it needs no room, so that a full disk cannot make a lease look over that is not. */
const SIZE = 512;

const markSchema = z.strictObject({
  agentId: z.string(),
  /** The kernel's boot id: of which boot the clock is. */
  bootId: z.string(),
  /** When all that may be started elsewhere must be gone, by the host's clock; null without a lease. */
  goneByMs: z.number().nullable(),
});
const storedSchema = z.strictObject({ mark: markSchema, check: z.string() });

export type LeaseMark = z.infer<typeof markSchema>;

export class LeaseMarkWriter implements Service {
  readonly #file: FileHandle;
  readonly #owner: Pick<LeaseMark, "agentId" | "bootId">;
  readonly #log: Logger;
  #put: { readonly goneByMs: number | undefined } | undefined;
  #newest: LeaseMark | undefined;
  #writing: Promise<void> | undefined;

  private constructor(file: FileHandle, owner: Pick<LeaseMark, "agentId" | "bootId">, log: Logger) {
    this.#file = file;
    this.#owner = owner;
    this.#log = log;
  }

  static async open(dataDir: string, owner: Pick<LeaseMark, "agentId" | "bootId">, log: Logger) {
    makeDataDirectory(dataDir);
    const file = await open(join(dataDir, FILE_NAME), constants.O_RDWR | constants.O_CREAT, 0o600);
    return new LeaseMarkWriter(file, owner, log);
  }

  /** Writes it if it is news; the newest wins. Not synced: after a crash of the host nothing runs any more. */
  put(goneByMs: number | undefined): void {
    if (this.#put && this.#put.goneByMs === goneByMs) return;
    this.#put = { goneByMs };
    this.#newest = { ...this.#owner, goneByMs: goneByMs ?? null };
    this.#writing ??= this.#write();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #write(): Promise<void> {
    for (let mark = this.#newest; mark; mark = this.#newest) {
      this.#newest = undefined;
      try {
        await this.#file.write(encode(mark), 0, SIZE, 0);
      } catch (error) {
        this.#log.error(
          { error: messageOf(error) },
          "the guard cannot be told of the lease: it may stop jobs too early",
        );
      }
    }
    this.#writing = undefined;
  }
}

/** Undefined where there is none yet. One that is being written over may be half of each: that throws. */
export async function readLeaseMark(dataDir: string): Promise<LeaseMark | undefined> {
  let text: string;
  try {
    text = await readFile(join(dataDir, FILE_NAME), "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
  if (text === "") return undefined;
  const { mark, check } = storedSchema.parse(JSON.parse(text));
  if (check !== checkOf(mark)) throw new Error("the lease's mark is half written");
  return mark;
}

function encode(mark: LeaseMark): Buffer {
  return Buffer.from(`${JSON.stringify({ mark, check: checkOf(mark) }).padEnd(SIZE - 1)}\n`);
}

function checkOf({ agentId, bootId, goneByMs }: LeaseMark): string {
  return createHash("sha256").update(`${agentId} ${bootId} ${goneByMs}`).digest("hex").slice(0, 16);
}
