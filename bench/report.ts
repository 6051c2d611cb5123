import type { PlotPoint } from "./plot.ts";

/** One measured figure. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the machine itself does of the same kind, in the same unit, measured in the same run. */
  readonly limit?: Limit;
  readonly note?: string;
  /** What of it belongs in a plot of cost against size. */
  readonly points?: readonly PlotPoint[];
}

/** What a machine can do at most (or at best, for a time), whatever we build on it. */
export interface Limit {
  readonly name: string;
  readonly value: number;
}

const COLUMNS = ["figure", "value", "unit", "ratio", "beside", "note"] as const;
const RIGHT_ALIGNED: ReadonlySet<string> = new Set(["value", "ratio"]);

/** A plain table with a heading, columns aligned. The ratio is the value over its limit. */
export function formatTable(rows: readonly BenchRow[]): string {
  const lines = [[...COLUMNS], ...rows.map(cells)];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => pad(cell, column, widths))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function cells({ name, value, unit, limit, note = "" }: BenchRow): string[] {
  const ratio = limit ? formatNumber(ratioOf(value, limit)) : "";
  const beside = limit ? `${formatNumber(limit.value)} ${unit} ${limit.name}` : "";
  return [name, formatNumber(value), unit, ratio, beside, note];
}

/** The part of the limit that is reached; for times, how many times the limit it takes. */
export function ratioOf(value: number, limit: Limit): number {
  return Number((value / limit.value).toPrecision(2));
}

function pad(cell: string, column: number, widths: readonly number[]): string {
  const width = widths[column] ?? 0;
  return RIGHT_ALIGNED.has(COLUMNS[column] ?? "") ? cell.padStart(width) : cell.padEnd(width);
}

/** Three significant digits below 100, whole numbers with separated thousands from there. */
function formatNumber(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
