import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../../../base/atomic-file.ts";
import { messageOf, systemErrorCode } from "../../../../base/errors.ts";
import type { Logger } from "../../../../base/logger.ts";

const FILE_NAME = "images.json";
/** Beyond, the longest unused are forgotten, and so stay on the engine. */
const MAX_RECORDS = 10_000;

/** An image that this agent pulled: no other is ever removed. */
export interface ImageRecord {
  /** The name as jobs give it. */
  readonly name: string;
  /** What had the name after the pull: another one is not this agent's. */
  readonly id: string;
  readonly usedAtMs: number;
}

/** What this agent pulled and when it was last used, in its data directory. */
export class ImageRecords {
  readonly #path: string;
  readonly #log: Logger;
  readonly #records = new Map<string, ImageRecord>();
  #isSaved = true;
  #saving: Promise<void> = Promise.resolve();

  private constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** A file that cannot be read is one without records: then nothing that it spoke of is removed. */
  static async open(dataDir: string, log: Logger): Promise<ImageRecords> {
    const records = new ImageRecords(join(dataDir, FILE_NAME), log);
    try {
      for (const record of parse(await readFile(records.#path, "utf8"))) records.#records.set(record.name, record);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") log.warn({ problem: messageOf(error) }, "records of images not read");
    }
    return records;
  }

  /** The longest unused first. */
  all(): readonly ImageRecord[] {
    return [...this.#records.values()].sort((a, b) => a.usedAtMs - b.usedAtMs);
  }

  async add(record: ImageRecord): Promise<void> {
    this.#records.set(record.name, record);
    for (const { name } of this.all().slice(0, Math.max(0, this.#records.size - MAX_RECORDS)))
      this.#records.delete(name);
    this.#isSaved = false;
    await this.save();
  }

  /** It is used now. Not on the disk before the next save: at worst it looks unused for a little longer. */
  touch(name: string, atMs: number): void {
    const record = this.#records.get(name);
    if (!record || record.usedAtMs >= atMs) return;
    this.#records.set(name, { ...record, usedAtMs: atMs });
    this.#isSaved = false;
  }

  forget(name: string): void {
    if (this.#records.delete(name)) this.#isSaved = false;
  }

  /** Writes what has changed. Never rejects: on a full disk it is tried again with the next change. */
  async save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#write());
    await this.#saving;
  }

  async #write(): Promise<void> {
    if (this.#isSaved) return;
    this.#isSaved = true;
    try {
      await writeFileAtomic(this.#path, JSON.stringify({ images: this.all() }));
    } catch (error) {
      this.#isSaved = false;
      this.#log.warn({ problem: messageOf(error) }, "records of images not written");
    }
  }
}

function parse(text: string): readonly ImageRecord[] {
  const { images } = JSON.parse(text) as { readonly images?: unknown };
  return Array.isArray(images) ? images.filter(isRecord) : [];
}

function isRecord(value: unknown): value is ImageRecord {
  if (typeof value !== "object" || value === null) return false;
  const { name, id, usedAtMs } = value as Partial<ImageRecord>;
  return typeof name === "string" && typeof id === "string" && Number.isFinite(usedAtMs);
}
