import { nearestName } from "../../base/nearest.ts";
import { type CsvRow, type CsvTable, TraceError } from "./csv.ts";

/** Tells the reader of the figures what was made of the trace, in a sentence. */
export type Note = (sentence: string) => void;

/** More is no time in seconds, no amount of memory, and no number of anything: what is meant must have another unit. */
const MAX = 1e10;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** What a number in a trace must be, beside a plain decimal number. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
  readonly isWhole?: boolean;
}

/** A row of a trace, whose cells are read as what they should be; an empty one says that the source does not know. */
export class TraceRow {
  readonly #path: string;
  readonly #row: CsvRow;

  constructor(path: string, row: CsvRow) {
    this.#path = path;
    this.#row = row;
  }

  get line(): number {
    return this.#row.line;
  }

  text(column: string): string | undefined {
    return this.#row.cell(column) || undefined;
  }

  /** @throws TraceError for what is no such number */
  number(column: string, { min = 0, max = MAX, isWhole = false }: Range = {}): number | undefined {
    const text = this.#row.cell(column).trim();
    if (text === "") return undefined;
    const value = Number(text);
    if (!NUMBER.test(text)) throw this.fault(column, `${JSON.stringify(text)} is not a number`);
    if (isWhole && !Number.isInteger(value)) throw this.fault(column, `${text} should be a whole number`);
    if (value < min) throw this.fault(column, `${text} is less than ${min}`);
    if (value > max) throw this.fault(column, `${text} is more than ${max}`);
    return value;
  }

  /** As {@link number}, of what every row must have. */
  required(column: string, range?: Range): number {
    const value = this.number(column, range);
    if (value === undefined) throw this.fault(column, "there must be a number");
    return value;
  }

  fault(column: string, what: string): TraceError {
    return new TraceError(`${this.#path}, line ${this.line}, column ${column}: ${what}`);
  }
}

/** What columns a table must have, and may have. */
export interface Columns {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/** The rows of a table that has the columns it must have. Columns that are not known are told of: they may be misspelt. */
export function traceRows(path: string, { columns, rows }: CsvTable, known: Columns, note: Note): TraceRow[] {
  const all = [...known.required, ...known.optional];
  const strangers = columns.filter((name) => name !== "" && !all.includes(name));
  for (const name of known.required) {
    if (columns.includes(name)) continue;
    const meant = nearestName(name, strangers);
    const hint = meant === undefined ? "" : `; is it ${meant}?`;
    throw new TraceError(`${path} has no column ${name}${hint}`);
  }
  if (strangers.length > 0) note(`${path}: columns that are not read: ${strangers.join(", ")}`);
  return rows.map((row) => new TraceRow(path, row));
}
