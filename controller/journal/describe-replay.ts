/** The report of a replay as the command prints it. */
import { formatTimestamp } from "../../base/time.ts";
import type { Difference, ReplayReport } from "./replay-journal.ts";

const LEFT = "recorded";
const RIGHT = "recomputed";
/** The left column is not made wider than this; what is longer pushes the right one aside. */
const MAX_COLUMN = 110;

/**
 * Lines for people. The first says whether the journal is `identical`, `different` or `unusable`.
 *
 * @param thisVersion of the program that replayed it
 */
export function describeReplay(report: ReplayReport, thisVersion: string): readonly string[] {
  const { difference, problem, cutLine } = report;
  const lines: string[] = [];
  if (difference) lines.push(...describeDifference(difference));
  else if (problem) lines.push(`unusable: ${problem.message}`);
  else lines.push(`identical: ${amount(report)}`);
  if ((difference || problem) && report.batches > 0) lines.push(`identical before that: ${amount(report)}`);
  if (cutLine !== undefined) lines.push(`line ${cutLine}, the last one, was not written whole: it was left out`);
  if (difference && report.version !== thisVersion) {
    lines.push(`the journal was written by version ${report.version}, and this is version ${thisVersion}`);
  }
  return lines;
}

function amount({ batches, inputs, hash }: ReplayReport): string {
  return `${count(batches, "batch", "batches")}, ${count(inputs, "input", "inputs")}, hash ${hash}`;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

function describeDifference({ line, batch, at, inputKinds, recorded, recomputed }: Difference): readonly string[] {
  const where = `different: batch ${batch}, on line ${line}, at ${formatTimestamp(at)}`;
  const inputs = `its inputs: ${countKinds(inputKinds)}`;
  const isSame = recorded.length === recomputed.length && recorded.every((text, index) => text === recomputed[index]);
  const table = sideBySide(recorded, recomputed);
  if (!isSame) return [where, inputs, ...table];
  return [
    where,
    inputs,
    "the decisions read the same: what was written, told or answered differs in a detail, or the batches before are not those that were recorded",
    ...table,
  ];
}

function countKinds(kinds: readonly string[]): string {
  const counts = Map.groupBy(kinds, (kind) => kind);
  return [...counts].map(([kind, all]) => (all.length === 1 ? kind : `${all.length} × ${kind}`)).join(", ");
}

/** Two columns, with `≠` where a decision is on one side only. Equal decisions stand beside each other. */
function sideBySide(left: readonly string[], right: readonly string[]): readonly string[] {
  const rows = align(left, right);
  const width = Math.min(MAX_COLUMN, Math.max(LEFT.length, ...left.map((text) => text.length)));
  const format = (a: string, mark: string, b: string) => `  ${a.padEnd(width)} ${mark} ${b}`.trimEnd();
  const nothing = rows.length === 0 ? [format("(nothing)", " ", "(nothing)")] : [];
  return [format(LEFT, " ", RIGHT), ...nothing, ...rows.map(([a, b]) => format(a ?? "", a === b ? "=" : "≠", b ?? ""))];
}

type Row = readonly [string | undefined, string | undefined];

/** Walks both lists; what one side has and the other has not (any more) stands alone. */
function align(left: readonly string[], right: readonly string[]): readonly Row[] {
  const rows: Row[] = [];
  let next = 0;
  for (const text of left) {
    const found = right.indexOf(text, next);
    if (found === -1) rows.push([text, undefined]);
    else {
      for (const only of right.slice(next, found)) rows.push([undefined, only]);
      rows.push([text, text]);
      next = found + 1;
    }
  }
  for (const only of right.slice(next)) rows.push([undefined, only]);
  return rows;
}
