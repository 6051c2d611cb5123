import type { Readable } from "node:stream";
import type { LogStreamName } from "../executor.ts";

const HEADER_BYTES = 8;
/** Docker cuts lines at 16 KiB; anything near this is not a frame. */
const MAX_FRAME_BYTES = 1024 * 1024;
const SPACE = 0x20;

/** A line of output, or a piece of a very long one. */
export interface LogEntry {
  readonly stream: LogStreamName;
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly data: Uint8Array;
}

/**
 * The entries in an answer of Docker's logs call with timestamps, as many at a time as have come: frames of one byte for
 * the stream, three of nothing, four for the length, then the time, a space and the data.
 */
export async function* logEntries(answer: Readable): AsyncGenerator<readonly LogEntry[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of answer) {
    const parsed = parse(rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]));
    rest = parsed.rest;
    if (parsed.entries.length > 0) yield parsed.entries;
  }
}

function parse(buffer: Buffer): { readonly entries: readonly LogEntry[]; readonly rest: Buffer } {
  const entries: LogEntry[] = [];
  let start = 0;
  while (buffer.length - start >= HEADER_BYTES) {
    const content = start + HEADER_BYTES;
    const length = buffer.readUInt32BE(start + 4);
    if (length > MAX_FRAME_BYTES) throw new Error("Docker's answer is not a stream of log frames");
    if (buffer.length < content + length) break;
    entries.push(entryOf(buffer.readUInt8(start), buffer.subarray(content, content + length)));
    start = content + length;
  }
  return { entries, rest: buffer.subarray(start) };
}

function entryOf(type: number, content: Buffer): LogEntry {
  if (type !== 1 && type !== 2) throw new Error(`Docker could not read the output: ${content.toString("utf8")}`);
  const space = content.indexOf(SPACE);
  return {
    stream: type === 1 ? "stdout" : "stderr",
    time: content.toString("latin1", 0, Math.max(0, space)),
    data: content.subarray(space + 1),
  };
}

/** The moment after an entry's time, as Docker's `since` wants it: seconds and nine decimals. */
export function timeAfter(time: string | undefined): string | undefined {
  const match = /^(.*?)(?:\.(\d{1,9}))?Z$/.exec(time ?? "");
  const seconds = Date.parse(`${match?.[1]}Z`) / 1_000;
  if (!match || Number.isNaN(seconds)) return undefined;
  const nanoseconds = BigInt(seconds) * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0")) + 1n;
  return `${nanoseconds / 1_000_000_000n}.${String(nanoseconds % 1_000_000_000n).padStart(9, "0")}`;
}
