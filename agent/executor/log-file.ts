import { type FileHandle, open } from "node:fs/promises";
import { delay } from "../../base/abort.ts";
import { systemErrorCode } from "../../base/errors.ts";
import type { LogStreamName, ReadLogOptions } from "./executor.ts";

/** The most that is held of a file at a time, whatever its size. */
const BLOCK_BYTES = 64 * 1024;
const FOLLOW_POLL_MS = 100;
const NEWLINE = 0x0a;

/** Where each stream's output may be found, the likeliest place first: an ended job's files may be moved meanwhile. */
export type LogPaths = Readonly<Record<LogStreamName, readonly string[]>>;

/**
 * The output so far, standard output before standard error, and with `follow` what comes, as it comes, until `hasEnded`
 * and everything was given. Files that do not exist yet are waited for while following.
 */
export async function* readLogFiles(
  paths: LogPaths,
  options: ReadLogOptions,
  hasEnded: () => boolean,
): AsyncGenerator<Uint8Array> {
  const names: readonly LogStreamName[] = options.stream ? [options.stream] : ["stdout", "stderr"];
  const logs = names.map((name) => new GrowingFile(paths[name]));
  try {
    await Promise.all(logs.map((log) => log.open()));
    if (options.tailLines !== undefined) await skipToTail(logs, options.tailLines);
    for (const log of logs) yield* log.read(await log.size(), options.signal);
    if (options.follow) yield* follow(logs, options.signal, hasEnded);
  } finally {
    await Promise.all(logs.map((log) => log.close()));
  }
}

async function* follow(
  logs: readonly GrowingFile[],
  signal: AbortSignal,
  hasEnded: () => boolean,
): AsyncGenerator<Uint8Array> {
  while (!signal.aborted) {
    // Asked before reading: what was written before the end is then certainly read.
    const isLast = hasEnded();
    for (const log of logs) {
      await log.open();
      yield* log.read(await log.size(), signal);
    }
    if (isLast) return;
    await delay(FOLLOW_POLL_MS, signal);
  }
}

/** The last lines of all files together, as if each followed the one before. */
async function skipToTail(logs: readonly GrowingFile[], lines: number): Promise<void> {
  let wanted = lines;
  for (const log of logs.toReversed()) wanted -= await log.skipToLastLines(wanted);
}

/** A file that is read while another process appends to it, and perhaps cuts it. */
class GrowingFile {
  readonly #paths: readonly string[];
  #file: FileHandle | undefined;
  #offset = 0;

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  async open(): Promise<void> {
    for (const path of this.#paths) this.#file ??= await openIfExists(path);
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async size(): Promise<number> {
    return this.#file ? (await this.#file.stat()).size : 0;
  }

  /** From where the last reading ended up to the given end. A file that was cut is read from its beginning. */
  async *read(end: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    if (end < this.#offset) this.#offset = 0;
    while (this.#offset < end && !signal.aborted) {
      const bytes = await this.#block(this.#offset, end);
      if (bytes.length === 0) return;
      this.#offset += bytes.length;
      yield bytes;
    }
  }

  /** Begins so many lines before the end, or at the beginning if there are fewer; returns how many there are. */
  async skipToLastLines(lines: number): Promise<number> {
    const size = await this.size();
    this.#offset = size;
    if (lines <= 0 || size === 0) return 0;
    let found = 0;
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - BLOCK_BYTES);
      const bytes = await this.#block(start, end);
      for (let index = bytes.length - 1; index >= 0; index -= 1) {
        // A newline at the very end ends the last line; any other one begins the line after it.
        if (bytes[index] !== NEWLINE || start + index === size - 1) continue;
        found += 1;
        this.#offset = start + index + 1;
        if (found === lines) return found;
      }
      end = start;
    }
    this.#offset = 0;
    return found + 1;
  }

  async #block(start: number, end: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, end - start));
    const result = await this.#file?.read(buffer, 0, buffer.length, start);
    return buffer.subarray(0, result?.bytesRead ?? 0);
  }
}

async function openIfExists(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
