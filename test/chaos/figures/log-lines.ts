import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Program } from "../world/program.ts";

export interface LogLine {
  readonly program: Program;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** How much of the end of a log is looked at. */
const TAIL_BYTES = 256 * 1024;

/** What the programs have logged with this message not long ago, in the order of time. */
export function logLines(programs: readonly Program[], message: string): LogLine[] {
  const all = programs.flatMap((program) => {
    const text = tailOf(program.logFile);
    const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
    const told = lines.filter((line) => line.startsWith("{") && line.endsWith("}") && line.includes(message));
    const parsed = told.map((line) => JSON.parse(line) as Record<string, unknown>);
    return parsed
      .filter(({ msg }) => msg === message)
      .map((fields) => ({ program, atMs: Date.parse(String(fields["time"])), fields }));
  });
  return all.toSorted((one, other) => one.atMs - other.atMs);
}

function tailOf(path: string): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const length = Math.min(size, TAIL_BYTES);
    const buffer = Buffer.alloc(length);
    readSync(file, buffer, 0, length, size - length);
    return buffer.toString("utf8");
  } finally {
    closeSync(file);
  }
}
