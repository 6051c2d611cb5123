import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { makeDirectory } from "../../base/make-directory.ts";
import { version } from "../../base/version.ts";
import type { Journal, RecordedBatch, TermStart } from "../loop/journal.ts";
import { decisionsOf } from "./decisions.ts";
import { JOURNAL_FORMAT, type JournalBatch, type JournalHeader } from "./format.ts";
import { HashChain } from "./hash-chain.ts";
import { sealLine } from "./sealed-line.ts";

/** What may wait for the disk, in characters; beyond that the disk is too slow for a journal. */
const WAITING_LIMIT = 128 * 1024 * 1024;
/** The rows of the beginning are written in pieces of this many characters, so that the loop goes on between them. */
const PIECE = 256 * 1024;
const CLOSE_DEADLINE_MS = 5_000;

export interface FileJournalOptions {
  /** Each term writes a file of its own: this path, a dot, and the term's number. */
  readonly path: string;
  readonly log: Logger;
  /** In characters. */
  readonly waitingLimit?: number;
}

/** `path.000007`: the file of the term; sorts by term. */
export function journalFile(path: string, term: number): string {
  return `${path}.${String(term).padStart(6, "0")}`;
}

/**
 * Writes the journal of a term to a new file that its owner alone can read. Lines wait in memory, up to a limit, while the
 * disk is busy. Whatever goes wrong is logged and ends the journal. Nothing is synced: a power cut may take the latest lines.
 */
export class FileJournal implements Journal {
  readonly #options: FileJournalOptions;
  readonly #waitingLimit: number;
  #path = "";
  #chain: HashChain | undefined;
  #opening: (() => Promise<FileHandle>) | undefined;
  #file: FileHandle | undefined;
  #waiting: string[] = [];
  #waitingSize = 0;
  #writing: Promise<void> | undefined;
  #isOver = false;

  constructor(options: FileJournalOptions) {
    this.#options = options;
    this.#waitingLimit = options.waitingLimit ?? WAITING_LIMIT;
  }

  begin(start: TermStart): void {
    this.#path = journalFile(this.#options.path, start.term);
    const firstLine = sealLine(headerOf(start));
    this.#chain = new HashChain(firstLine);
    this.#opening = () => openFile(this.#path, firstLine, start, () => this.#isOver);
    this.#wake();
  }

  record(batch: RecordedBatch): void {
    if (this.#isOver || !this.#chain) return;
    try {
      const { at, inputs, outcome } = batch;
      const came = "failure" in outcome ? { failure: outcome.failure } : { passed: outcome.passed };
      const hash = this.#chain.add(batch);
      const line = sealLine({ at, inputs, ...came, decisions: decisionsOf(batch), hash } satisfies JournalBatch);
      this.#waiting.push(line);
      this.#waitingSize += line.length;
      if (this.#waitingSize > this.#waitingLimit) throw new Error("the disk is too slow: too much waits to be written");
      this.#wake();
    } catch (error) {
      this.#fail(error);
    }
  }

  end(why: string): void {
    if (this.#isOver || !this.#chain) return;
    this.#options.log.warn({ path: this.#path, why }, "the journal ends here");
    this.#chain = undefined;
  }

  /** Writes what waits, within a deadline. */
  async close(): Promise<void> {
    const deadline = new AbortController();
    const late = sleep(CLOSE_DEADLINE_MS, "late" as const, { signal: deadline.signal }).catch(() => undefined);
    const outcome = await Promise.race([this.#writing, late]);
    deadline.abort();
    if (outcome === "late") this.#fail(new Error(`the disk has not answered for ${CLOSE_DEADLINE_MS} ms`));
    this.#isOver = true;
    const closed = this.#closeFile();
    if (outcome !== "late") await closed;
  }

  #wake(): void {
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    try {
      if (this.#opening) {
        const opening = this.#opening;
        this.#opening = undefined;
        this.#file = await opening();
        this.#options.log.info({ path: this.#path }, "the journal begins");
      }
      while (this.#waiting.length > 0 && !this.#isOver) {
        const text = this.#waiting.join("");
        this.#waiting = [];
        await this.#file?.appendFile(text);
        this.#waitingSize -= text.length;
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#writing = undefined;
      if (this.#isOver) await this.#closeFile();
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting = [];
    this.#options.log.error(
      { path: this.#path, error: messageOf(error) },
      "the journal ends here: it cannot be written",
    );
    if (!this.#writing) void this.#closeFile();
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    try {
      await file?.close();
    } catch (error) {
      this.#options.log.warn({ path: this.#path, error: messageOf(error) }, "the journal was not closed cleanly");
    }
  }
}

function headerOf({ clusterId, term, revision, at, settings, rows }: TermStart): JournalHeader {
  return { format: JOURNAL_FORMAT, version, clusterId, term, revision, at, settings, rows: rows.length };
}

/** Makes the file, and writes to it what the term begins with. A file that is there already is never touched. */
async function openFile(path: string, firstLine: string, start: TermStart, isOver: () => boolean): Promise<FileHandle> {
  makeDirectory(dirname(path));
  const file = await open(path, "wx", 0o600);
  try {
    const hash = createHash("sha256");
    let piece = firstLine;
    const flush = async () => {
      hash.update(piece);
      await file.appendFile(piece);
      piece = "";
    };
    for (const { table, key, value } of start.rows) {
      piece += sealLine({ table, key, value });
      if (piece.length < PIECE) continue;
      await flush();
      if (isOver()) throw new Error("it was closed before all rows were written");
    }
    await flush();
    await file.appendFile(sealLine({ loaded: hash.digest("hex") }));
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
