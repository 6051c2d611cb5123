import { createReadStream } from "node:fs";

const LINE_FEED = 0x0a;
const CHUNK_BYTES = 1024 * 1024;
/** Longer than any line that a journal writes, and short enough to be a string. */
const MAX_LINE_BYTES = 400 * 1024 * 1024;

export interface Line {
  /** Without its line feed. */
  readonly text: string;
  /** Counted from 1. */
  readonly number: number;
  /** Whether it ends with a line feed: only the last one may not. */
  readonly isWhole: boolean;
}

/**
 * The lines of a file, read as they are asked for. Only a line feed ends a line: what else Unicode calls a line's end may
 * stand inside JSON.
 *
 * @throws the system's error; RangeError for a line that is too long to be one
 */
export async function* readLines(path: string): AsyncGenerator<Line> {
  let pieces: Buffer[] = [];
  let length = 0;
  let number = 0;
  const takeLine = (isWhole: boolean): Line => {
    const text = Buffer.concat(pieces).toString("utf8");
    pieces = [];
    length = 0;
    number += 1;
    return { text, number, isWhole };
  };
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    const bytes = chunk as Buffer;
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, from)) {
      pieces.push(bytes.subarray(from, end));
      from = end + 1;
      yield takeLine(true);
    }
    pieces.push(bytes.subarray(from));
    length += bytes.length - from;
    if (length > MAX_LINE_BYTES) throw new RangeError(`line ${number + 1} exceeds ${MAX_LINE_BYTES} bytes`);
  }
  if (length > 0) yield takeLine(false);
}
