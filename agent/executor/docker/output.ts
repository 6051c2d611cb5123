import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { delay } from "../../../base/abort.ts";
import { makeDirectory } from "../../../base/make-directory.ts";
import { MINUTE_MS } from "../../../base/time.ts";
import type { LogStreamName, OutputPiece, ReadLogOptions } from "../executor.ts";
import { readLogFiles } from "../log-file.ts";
import { type EngineClient, isMissing, isRefused, type ReadOutputOptions } from "./engine-client.ts";
import { type LogEntry, logEntries, timeAfter } from "./log-entries.ts";

const SAVE_DEADLINE_MS = 5 * MINUTE_MS;
const RECONNECT_MS = 500;
/** Of one stream's last lines, which must be picked out here; an entry has at most 16 KiB. */
const MAX_TAIL_ENTRIES = 1_000;
/** That are looked at when a container is watched for the first time. */
const WATCHED_LINES = 10_000;

/**
 * The output of a container that exists, and with `follow` what comes until it ends; a restart of the engine in between
 * goes unnoticed. Ends without error when the signal aborts or the container is removed.
 */
export async function* readContainerOutput(
  engine: EngineClient,
  container: string,
  options: ReadLogOptions,
): AsyncGenerator<Uint8Array> {
  const { follow, tailLines, stream, signal } = options;
  let since: string | undefined;
  if (tailLines !== undefined && stream !== undefined) {
    // Docker counts the lines of both streams before it leaves one out.
    const last = await lastEntries(engine, container, stream, tailLines, signal);
    since = timeAfter(last.at(-1)?.time);
    if (last.length > 0) yield dataOf(last);
    if (!follow) return;
  }
  for (let isLast = !follow; !signal.aborted; ) {
    const tail = since === undefined ? tailLines : undefined;
    try {
      for await (const entries of entriesOf(engine, container, { follow: !isLast, stream, tail, since }, signal)) {
        since = timeAfter(entries.at(-1)?.time);
        yield dataOf(entries);
      }
      if (isLast) return;
    } catch (error) {
      if (signal.aborted || isMissing(error)) return;
      if (!follow || isRefused(error)) throw error;
    }
    const condition = await conditionOf(engine, container, signal);
    if (condition === "gone") return;
    // Docker's own following may leave out the very last line: it is asked once more for what has come since.
    isLast = condition === "ended";
    if (!isLast) await delay(RECONNECT_MS, signal);
  }
}

/**
 * What a container writes, as the engine tells it, for as long as it runs; of one that is watched from its beginning the
 * last lines and what comes after them. Ends when the container has ended, and when the engine ends the stream.
 *
 * @param from the moment after what was seen last, as {@link timeAfter} writes it
 */
export async function* watchContainerOutput(
  engine: EngineClient,
  container: string,
  from: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<OutputPiece> {
  const options = {
    follow: true,
    stream: undefined,
    tail: from === undefined ? WATCHED_LINES : undefined,
    since: from,
  };
  for await (const entries of entriesOf(engine, container, options, signal)) {
    for (const { stream, data, time } of entries) {
      yield { stream, data, atMs: Date.parse(time) || undefined, position: timeAfter(time) ?? from ?? "" };
    }
  }
}

/** Copies both streams to `<directory>/stdout.log` and `stderr.log`; whoever sees the directory sees all of it. */
export async function saveContainerOutput(engine: EngineClient, container: string, directory: string): Promise<void> {
  const partial = `${directory}.partial`;
  await rm(partial, { recursive: true, force: true });
  makeDirectory(partial);
  const stdout = await open(join(partial, "stdout.log"), "w");
  const stderr = await open(join(partial, "stderr.log"), "w");
  try {
    const options = { follow: false, stream: undefined, tail: undefined, since: undefined };
    for await (const entries of entriesOf(engine, container, options, AbortSignal.timeout(SAVE_DEADLINE_MS))) {
      await stdout.appendFile(dataOf(entries.filter((entry) => entry.stream === "stdout")));
      await stderr.appendFile(dataOf(entries.filter((entry) => entry.stream === "stderr")));
    }
  } finally {
    await stdout.close();
    await stderr.close();
  }
  await rm(directory, { recursive: true, force: true });
  await rename(partial, directory);
}

/** What {@link saveContainerOutput} wrote: complete, so there is nothing to follow. */
export function readSavedOutput(directory: string, options: ReadLogOptions): AsyncIterable<Uint8Array> {
  const paths = { stdout: [join(directory, "stdout.log")], stderr: [join(directory, "stderr.log")] };
  return readLogFiles(paths, { ...options, follow: false }, () => true);
}

/** The last few kilobytes, for looking for a reason in them. */
export async function lastOutput(engine: EngineClient, container: string, signal: AbortSignal): Promise<string> {
  const options = { follow: false, stream: undefined, tail: 5, since: undefined };
  const parts: Uint8Array[] = [];
  for await (const entries of entriesOf(engine, container, options, signal)) parts.push(dataOf(entries));
  return Buffer.concat(parts).toString("utf8");
}

async function* entriesOf(
  engine: EngineClient,
  container: string,
  options: ReadOutputOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly LogEntry[]> {
  const output: Readable = await engine.output(container, options, signal);
  try {
    yield* logEntries(output);
  } finally {
    output.destroy();
  }
}

function dataOf(entries: readonly LogEntry[]): Uint8Array {
  return Buffer.concat(entries.map((entry) => entry.data));
}

async function lastEntries(
  engine: EngineClient,
  container: string,
  stream: LogStreamName,
  count: number,
  signal: AbortSignal,
): Promise<readonly LogEntry[]> {
  let last: LogEntry[] = [];
  if (count === 0) return last;
  const options = { follow: false, stream, tail: undefined, since: undefined };
  for await (const entries of entriesOf(engine, container, options, signal)) {
    last = last.concat(entries).slice(-Math.min(count, MAX_TAIL_ENTRIES));
  }
  return last;
}

/** Waits until the engine can tell. */
async function conditionOf(
  engine: EngineClient,
  container: string,
  signal: AbortSignal,
): Promise<"running" | "ended" | "gone"> {
  while (!signal.aborted) {
    try {
      const details = await engine.inspect(container);
      if (details === undefined) return "gone";
      return details.State.Running ? "running" : "ended";
    } catch (error) {
      if (isRefused(error)) throw error;
    }
    await delay(RECONNECT_MS, signal);
  }
  return "gone";
}
