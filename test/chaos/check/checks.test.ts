/** What each checker must find, and what it must leave alone. */
import { expect, test } from "vitest";
import { parseNotes } from "../workload/job-script.ts";
import type { FinalJob } from "./final-job.ts";
import { findGaps } from "./history.ts";
import { findLost } from "./lost.ts";
import { findFalseOutcomes } from "./outcomes.ts";
import { findOverlaps } from "./overlap.ts";
import { findExcesses } from "./quota.ts";
import { runsOf } from "./runs.ts";

/** Notes as jobs write them, with the seconds at which they do. */
function notesOf(...lines: readonly string[]) {
  return parseNotes(lines.map((line) => `${line}\n`).join(""));
}

function overlapsIn(...lines: readonly string[]): string[] {
  const notes = notesOf(...lines);
  return findOverlaps(notes, runsOf(notes));
}

const once = ["start job-1 1 0 node-1 gpu-1 77 10.00 ", "tick job-1 1 0 node-1 gpu-1 77 11.00 "];
const ended = [...once, "end job-1 1 0 node-1 gpu-1 77 12.00 0"];

function finalJob(given: Partial<FinalJob> = {}): FinalJob {
  const history = [
    { at: "2026-01-01T00:00:00.000Z", kind: "submitted", message: "" },
    { at: "2026-01-01T00:00:01.000Z", kind: "placed", message: "attempt 1: 1 GPU on node-1" },
    { at: "2026-01-01T00:00:01.500Z", kind: "started", message: "" },
    { at: "2026-01-01T00:00:03.000Z", kind: "completed", message: "" },
  ];
  const where = { node_name: "node-1", allocated_gpus: ["gpu-1"], message: "" };
  const end = { state: "completed", phase: "finished", attempt: 1, exit_code: 0 };
  return { job_id: "job-1", name: "chaos-1", spec: { name: "chaos-1" }, ...where, ...end, history, ...given };
}

const submitted = { name: "chaos-1", body: { name: "chaos-1" }, id: "job-1", exitCode: 0, isContainer: false };

test("runs that follow each other do not overlap", () => {
  const next = ["start job-1 2 0 node-1 gpu-1 78 12.00 ", "end job-1 2 0 node-1 gpu-1 78 13.00 0"];
  const other = ["start job-2 1 0 node-1 gpu-2 79 10.50 ", "end job-2 1 0 node-1 gpu-2 79 13.00 0"];
  const gang = ["start job-3 1 0 node-1 gpu-3 80 10.00 ", "start job-3 1 1 node-2 gpu-1 81 10.10 "];
  expect(overlapsIn(...ended, ...next, ...other, ...gang)).toEqual([]);
});

test.each([
  ["an attempt that begins before another one's end", "start job-1 2 0 node-2 gpu-1 78 11.50 ", "ran twice at once"],
  ["an attempt that begins while a killed one still gave signs", "start job-1 2 0 node-2 - 78 10.90 ", "ran twice"],
  ["an attempt that is started twice", "start job-1 1 0 node-1 gpu-1 90 20.00 ", "was started 2 times"],
  ["a lock that was held", "overlap job-1 2 0 node-2 - 78 20.00 job-1.1.0", "while job-1.1.0 held its lock"],
  ["a device with two jobs", "start job-2 1 0 node-1 gpu-1 78 11.00 ", "node-1/gpu-1 had two jobs"],
])("finds %s", (_, line, problem) => {
  expect(overlapsIn(...ended, line).join("\n")).toContain(problem);
});

test("finds a quota that is exceeded, and none that is just reached", () => {
  const second = ["start job-2 1 0 node-2 gpu-1,gpu-2 78 11.00 ", "end job-2 1 0 node-2 gpu-1,gpu-2 78 14.00 0"];
  const third = ["start job-3 1 0 node-3 gpu-1 79 12.00 ", "end job-3 1 0 node-3 gpu-1 79 13.00 0"];
  const runs = runsOf(notesOf(...ended, ...second, ...third));
  const excesses = (maxGpus: number, maxJobs: number) =>
    findExcesses(runs, [{ id: "tenant-1", maxGpus, maxJobs }], () => "tenant-1");
  expect(excesses(3, 2)).toEqual([]);
  expect(excesses(2, 2)).toEqual(["jobs of tenant-1 held 3 GPUs at once, and its limit is 2"]);
  expect(excesses(3, 1)).toEqual(["2 jobs of tenant-1 ran at once, and its limit is 1"]);
});

test("a job that is there as it was submitted is not lost, and one without an answer may be missing", () => {
  expect(findLost([submitted, { name: "chaos-2", body: {}, id: undefined }], [finalJob()])).toEqual([]);
});

test.each<[string, readonly FinalJob[], string]>([
  ["a job that is lost", [], "chaos-1 was acknowledged as job-1, and is lost"],
  ["a job under another id", [finalJob({ job_id: "job-9" })], "is there as job-9"],
  ["a job that is there twice", [finalJob(), finalJob({ job_id: "job-2" })], "is there 2 times: job-1, job-2"],
  ["a job that has changed", [finalJob({ spec: { name: "chaos-1", priority: 1 } })], "was submitted as"],
  ["a job of nobody", [finalJob(), finalJob({ name: "other" })], "job-1 (other) was submitted by nobody"],
])("finds %s", (_, jobs, problem) => {
  expect(findLost([submitted], jobs).join("\n")).toContain(problem);
});

const [submission, placed, started, end] = finalJob().history;
test.each<[string, Partial<FinalJob>]>([
  ["a job that has not ended", { phase: "running" }],
  ["a missing attempt", { attempt: 2, history: [submission, { ...placed, message: "attempt 2: " }, end] as never }],
  ["an attempt that is not told", { attempt: 2 }],
  ["two ends", { history: [submission, placed, end, end] as never }],
  ["an end that is not the last word", { history: [submission, placed, end, started] as never }],
  ["time that goes back", { history: [submission, { ...placed, at: "2025-12-31T00:00:00Z" }, end] as never }],
])("finds a history with %s", (_, given) => {
  expect(findGaps([finalJob()])).toEqual([]);
  expect(findGaps([finalJob(given)])).toHaveLength(1);
});

test("a container that nobody saw may have run, and its engine may have lost its exit code", () => {
  const submissions = [{ ...submitted, isContainer: true }];
  const lost = finalJob({ state: "failed", exit_code: 255 });
  expect(findFalseOutcomes([lost], { submissions, operations: [], runs: [] })).toEqual([]);
  expect(findFalseOutcomes([finalJob()], { submissions, operations: [], runs: [] })).toEqual([]);
});

test.each<[string, Partial<FinalJob>, string]>([
  ["the wrong state", { state: "failed" }, "it was to exit with 0"],
  ["the wrong exit code", { exit_code: 1 }, "its last attempt did not exit with 0"],
  ["an attempt that left no trace", { attempt: 2 }, "its last attempt did not exit with 0"],
  ["an attempt that it does not know of", { attempt: 0 }, "an attempt ran that it does not know of"],
  ["a cancellation by nobody", { state: "cancelled" }, "nobody has cancelled it"],
])("finds an outcome with %s", (_, given, problem) => {
  const evidence = { submissions: [submitted], operations: [], runs: runsOf(notesOf(...ended)) };
  expect(findFalseOutcomes([finalJob()], evidence)).toEqual([]);
  expect(findFalseOutcomes([finalJob(given)], evidence).join("\n")).toContain(problem);
});
