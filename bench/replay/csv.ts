import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { messageOf } from "../../base/errors.ts";

/** A file that cannot be used: its message is a sentence that names the file, and the line and column where there is one. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

/** One row of a table, by the names of its columns. */
export interface CsvRow {
  /** Where it begins, counted from 1. */
  readonly line: number;
  /** Without surrounding blanks; "" also for a column that the table does not have. */
  readonly cell: (column: string) => string;
}

export interface CsvTable {
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
}

interface Line {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Reads a table with a heading, gzipped or not, as RFC 4180 has it: quoted cells, either kind of line end, with or without a
 * byte order mark and a last line end. Empty lines count for nothing.
 *
 * @throws TraceError
 */
export function readCsv(path: string): CsvTable {
  const [heading, ...lines] = linesOf(path, textOf(path));
  if (!heading) throw new TraceError(`${path} is empty: it should begin with a heading`);
  const columns = heading.cells;
  const twice = columns.find((name, index) => name !== "" && columns.indexOf(name) !== index);
  if (twice !== undefined) throw new TraceError(`${path}, line ${heading.line}: there are two columns ${twice}`);
  const indexes = new Map(columns.map((name, index) => [name, index]));
  const rows = lines.map(({ line, cells }): CsvRow => {
    if (cells.length !== columns.length) {
      throw new TraceError(`${path}, line ${line}: the row has ${cells.length} cells, the heading ${columns.length}`);
    }
    return { line, cell: (column) => cells[indexes.get(column) ?? -1] ?? "" };
  });
  return { columns, rows };
}

function textOf(path: string): string {
  try {
    const bytes = readFileSync(path);
    const isGzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return (isGzipped ? gunzipSync(bytes) : bytes).toString("utf8").replace(/^\ufeff/, "");
  } catch (error) {
    throw new TraceError(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** A cell, quoted or plain, and what ends it: a comma, a line end, or the end of the text. */
const CELL = /(?:[ \t]*"((?:[^"]|"")*)"[ \t]*|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;

function* linesOf(path: string, text: string): Generator<Line> {
  let cells: string[] = [];
  let [line, begin] = [1, 1];
  for (CELL.lastIndex = 0; CELL.lastIndex < text.length; ) {
    const at = CELL.lastIndex;
    const [all, quoted, plain = "", end] = CELL.exec(text) ?? [];
    if (all === undefined)
      throw new TraceError(`${path}, line ${line}: the quotes of cell ${cells.length + 1} do not match`);
    CELL.lastIndex = at + all.length;
    cells.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'));
    line += all.split(/\r\n|\n|\r/).length - 1;
    if (end === ",") {
      // What follows the last comma is one more cell, which has nothing in it.
      if (CELL.lastIndex < text.length) continue;
      cells.push("");
    }
    if (cells.length > 1 || cells[0] !== "") yield { line: begin, cells };
    cells = [];
    begin = line;
  }
}
