import { expect, test } from "vitest";
import { JournalError } from "./read-journal.ts";
import { describeReplay } from "./describe-replay.ts";
import type { Difference, ReplayReport } from "./replay-journal.ts";

const REPORT: ReplayReport = { version: "1.0.0", batches: 2, inputs: 5, hash: "abc" };
const DIFFERENCE: Difference = { line: 9, batch: 3, at: 0, inputKinds: ["tick", "tick"], recorded: [], recomputed: [] };

test("an identical journal is one line, and a cut one says so", () => {
  expect(describeReplay(REPORT, "1.0.0")).toEqual(["identical: 2 batches, 5 inputs, hash abc"]);
  expect(describeReplay({ ...REPORT, cutLine: 7 }, "1.0.0")[1]).toBe(
    "line 7, the last one, was not written whole: it was left out",
  );
});

test("what cannot be read says why, and what was identical before", () => {
  const problem = new JournalError("damaged", "line 8 is damaged");
  expect(describeReplay({ ...REPORT, problem }, "1.0.0")).toEqual([
    "unusable: line 8 is damaged",
    "identical before that: 2 batches, 5 inputs, hash abc",
  ]);
  expect(describeReplay({ ...REPORT, batches: 0, problem }, "1.0.0")).toHaveLength(1);
});

test("decisions stand side by side, those of one side alone marked", () => {
  const difference = { ...DIFFERENCE, recorded: ["a", "same", "bb"], recomputed: ["same", "c"] };
  expect(describeReplay({ ...REPORT, difference }, "1.0.0")).toEqual([
    "different: batch 3, on line 9, at 1970-01-01T00:00:00Z",
    "its inputs: 2 × tick",
    "  recorded   recomputed",
    "  a        ≠",
    "  same     = same",
    "  bb       ≠",
    "           ≠ c",
    "identical before that: 2 batches, 5 inputs, hash abc",
  ]);
});

test("a difference that the decisions do not show is said to be in a detail, and another version is named", () => {
  const lines = describeReplay({ ...REPORT, difference: DIFFERENCE }, "2.0.0");
  expect(lines[2]).toBe(
    "the decisions read the same: what was written, told or answered differs in a detail, or the batches before are not those that were recorded",
  );
  expect(lines).toContain("  (nothing)   (nothing)");
  expect(lines.at(-1)).toBe("the journal was written by version 1.0.0, and this is version 2.0.0");
});
