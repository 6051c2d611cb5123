import { expect, test } from "vitest";
import { type Operation, seenOf, type Told } from "../workload/operation.ts";
import { findUnlinearizable } from "./job-register.ts";

const UNKNOWN: Told = { kind: "unknown" };
const DONE: Told = { kind: "done" };
const ABSENT: Told = { kind: "absent" };

/** Operations one after the other, each with an answer before the next begins. */
function history(...steps: readonly (readonly [Operation["request"], Told])[]): Operation[] {
  return steps.map(([request, told], index) => {
    const returnedMs = told.kind === "unknown" ? undefined : index * 10 + 5;
    return { client: 0, job: "job", request, invokedMs: index * 10, returnedMs, told };
  });
}

function seen(phase: string, attempt: number, state = "pending"): readonly ["read", Told] {
  return ["read", { kind: "seen", seen: seenOf({ state, phase, attempt }) }];
}

const completed = seen("finished", 1, "completed");
const failed = seen("finished", 1, "failed");
const cancelled = seen("stopping", 1, "cancelled");

test.each<[string, Operation[]]>([
  ["a job that runs to its end", history(["submit", DONE], seen("queued", 0), seen("running", 1), completed)],
  ["a job that is not there before it is submitted", history(["read", ABSENT], ["submit", DONE], seen("queued", 0))],
  ["a second attempt", history(["submit", DONE], seen("running", 1), seen("held", 1), seen("starting", 2))],
  ["a cancellation", history(["submit", DONE], ["cancel", DONE], cancelled, ["cancel", DONE])],
  ["a submission without an answer that happened", history(["submit", UNKNOWN], ["read", ABSENT], seen("queued", 0))],
  ["a submission without an answer that did not", history(["submit", UNKNOWN], ["read", ABSENT])],
  [
    "a cancellation without an answer that happened late",
    history(["submit", DONE], ["cancel", UNKNOWN], seen("running", 1), cancelled),
  ],
  [
    "a cancellation that came too late",
    history(["submit", DONE], ["cancel", { kind: "ended", outcome: "failed" }], failed),
  ],
  ["what was refused", history(["submit", { kind: "refused" }], ["read", ABSENT])],
])("%s can be", (_, operations) => {
  expect(findUnlinearizable(operations)).toEqual([]);
});

test.each<[string, Operation[]]>([
  ["a job that is lost after it was acknowledged", history(["submit", DONE], ["read", ABSENT])],
  ["a job that is lost after it was seen", history(["submit", UNKNOWN], seen("queued", 0), ["read", ABSENT])],
  ["a job that is there before anybody asked", history(seen("queued", 0), ["submit", DONE])],
  ["an attempt that is taken back", history(["submit", DONE], seen("running", 2), seen("running", 1))],
  ["a phase that is taken back", history(["submit", DONE], seen("running", 1), seen("starting", 1))],
  ["a job that runs after it has ended", history(["submit", DONE], completed, seen("running", 2))],
  ["two ends", history(["submit", DONE], completed, failed)],
  ["a cancellation that is forgotten", history(["submit", DONE], ["cancel", DONE], seen("running", 1))],
  ["a job that completes after its cancellation", history(["submit", DONE], ["cancel", DONE], completed)],
  ["a cancelled job that nobody has cancelled", history(["submit", DONE], cancelled)],
  ["a cancellation of what has ended", history(["submit", DONE], completed, ["cancel", DONE])],
])("%s cannot be", (_, operations) => {
  expect(findUnlinearizable(operations)).toEqual([{ job: "job", history: operations }]);
});
