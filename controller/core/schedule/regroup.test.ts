import { expect, test } from "vitest";
import type { JobId } from "../../../base/ids.ts";
import { CoreWorld } from "../../../test/support/core-world.ts";
import type { JobIn } from "../model/job.ts";
import { isGrouped } from "./regroup.ts";

const MINUTE = 60_000;

/** How long the job is expected to run, in minutes, and why. */
function planOf(w: CoreWorld, id: JobId) {
  const { ms, basis } = w.state.planOf(w.state.groupOf(w.job(id) as JobIn<"queued">));
  return { minutes: ms / MINUTE, basis };
}

/** Runs the job, which must be its turn, for ten minutes. */
function runOnce(w: CoreWorld, id: JobId): void {
  w.begin(id);
  w.advanceHeard(10 * MINUTE);
  w.end(id);
}

function worldOf(gpus: number): CoreWorld {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus });
  return w;
}

test("the rest of an array is predicted as soon as three of it have ended", () => {
  const w = worldOf(1);
  const ids = Array.from({ length: 300 }, () => w.submit({ name: "sweep", cpuCores: 1 }));
  expect(planOf(w, ids[299] as JobId)).toEqual({ minutes: 240, basis: "guess" });
  for (const id of ids.slice(0, 3)) runOnce(w, id);
  expect(planOf(w, ids[4] as JobId)).toEqual({ minutes: 10, basis: "history" });
  expect(isGrouped(w.state)).toBe(false);
  // A bounded number at a time, whenever a job ends.
  for (let next = 3; !isGrouped(w.state); next += 1) {
    expect(next).toBeLessThan(40);
    runOnce(w, ids[next] as JobId);
  }
  expect(planOf(w, ids[299] as JobId)).toEqual({ minutes: 10, basis: "history" });
  expect(w.state.queue.groupCount).toBe(1);
});

test("jobs between others are found, and those of other names stay as well known as they are", () => {
  const w = worldOf(1);
  const first = Array.from({ length: 3 }, () => w.submit({ name: "first", cpuCores: 1 }));
  for (const id of first) runOnce(w, id);
  const trials = Array.from({ length: 3 }, () => w.submit({ name: "short", cpuCores: 1 }));
  const waiting = Array.from({ length: 40 }, (_, index) => {
    return w.submit({ name: index % 4 === 0 ? "short" : "long", cpuCores: 1 });
  });
  expect(w.state.queue.groupCount).toBe(1);
  for (const id of trials) {
    w.begin(id);
    w.advanceHeard(MINUTE);
    w.end(id);
  }
  for (let passes = 0; !isGrouped(w.state); passes += 1) {
    expect(passes).toBeLessThan(10);
    w.state.grow();
    w.advanceHeard(1);
  }
  const minutes = waiting.slice(1).map((id) => planOf(w, id).minutes);
  expect(minutes).toEqual(waiting.slice(1).map((_, index) => (index % 4 === 3 ? 1 : 10)));
});

test("a new term predicts the jobs that wait as the old one did", () => {
  const w = worldOf(1);
  const ids = Array.from({ length: 6 }, () => w.submit({ name: "sweep", cpuCores: 1 }));
  for (const id of ids.slice(0, 3)) runOnce(w, id);
  w.restart();
  expect(planOf(w, ids[5] as JobId)).toEqual({ minutes: 10, basis: "history" });
});
