import { expect, test } from "vitest";
import { asTenantId, type JobId } from "../../base/ids.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import { counterfactuals, variationOf } from "./counterfactual.ts";
import type { JobIn } from "./model/job.ts";
import { Outlook } from "./outlook.ts";
import { atOnce, type Slices } from "./slices.ts";

const MINUTE = 60_000;

/** One GPU, a job on it, and so many behind, of ten minutes each and all of another kind. */
function lineOf(count: number): { w: CoreWorld; running: JobId; waiting: readonly JobId[] } {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus: 1 });
  const running = w.submit({ maxRuntimeMinutes: 10 });
  w.begin(running);
  const waiting = Array.from({ length: count }, (_, index) => {
    return w.submit({ maxRuntimeMinutes: 10, memoryMb: 2_048 + index, cpuCores: 1 });
  });
  return { w, running, waiting };
}

function counted<T>(slices: Slices<T>): { answer: T; count: number } {
  for (let count = 0; ; count += 1) {
    const { done, value } = slices.next();
    if (done) return { answer: value, count };
  }
}

test("whoever asks about the same moment shares one forecast", () => {
  const { w, waiting } = lineOf(30);
  const outlook = new Outlook(w.state, w.now);
  const [first, ...others] = [...waiting].reverse().map((id) => counted(outlook.startOf(id)));
  expect(first?.answer.at).toBe(w.now + 300 * MINUTE);
  expect(first?.count).toBeGreaterThanOrEqual(30);
  expect(others.map(({ answer }) => answer.at)).toEqual(others.map((_, index) => w.now + (290 - 10 * index) * MINUTE));
  expect(others.every(({ count }) => count === 0)).toBe(true);
});

test("what would take too much work to foretell is unknown and said to be, and what is nearer is told", () => {
  const { w, waiting } = lineOf(30);
  const [near, far] = [waiting[2] as JobId, waiting[29] as JobId];
  const answers = [near, far, near].map((id) => atOnce(new Outlook(w.state, w.now, 1_000).startOf(id)));
  const told = { at: w.now + 30 * MINUTE, isTooFar: false };
  expect(answers).toEqual([told, { at: undefined, isTooFar: true }, told]);
  const never = w.submit({ gpuCount: 2 });
  expect(atOnce(new Outlook(w.state, w.now).startOf(never))).toEqual({ at: undefined, isTooFar: false });
  const outlook = new Outlook(w.state, w.now, 1_000);
  const job = w.job(far) as JobIn<"queued">;
  const { isCutShort } = atOnce(counterfactuals(outlook, variationOf(w.state, job, w.now), undefined));
  expect(isCutShort).toBe(true);
});

test("an answer is about its moment, whatever happens between its slices", () => {
  const { w, running, waiting } = lineOf(5);
  const last = waiting[4] as JobId;
  const { now } = w;
  const slices = new Outlook(w.state, now).startOf(last);
  slices.next();
  w.end(running);
  w.cancel(waiting[2] as JobId);
  w.disconnect("node-1");
  expect(atOnce(slices)).toEqual({ at: now + 50 * MINUTE, isTooFar: false });
});

test("a change is given up as soon as the job would have started without it", () => {
  const { w, waiting } = lineOf(100);
  const job = w.job(waiting[0] as JobId) as JobIn<"queued">;
  const outlook = new Outlook(w.state, w.now);
  const { at } = atOnce(outlook.startOf(job.id));
  // With half the memory it would be the last: its turn would come after a hundred others.
  const { answer, count } = counted(counterfactuals(outlook, variationOf(w.state, job, w.now), at));
  expect(answer).toEqual({ found: [], isCutShort: false });
  expect(count).toBeLessThan(10);
});

test("a late start is told while jobs of an array run by their history", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus: 1 });
  for (const minutes of [1, 1, 1, 5]) {
    const past = w.submit();
    w.begin(past);
    w.advanceHeard(minutes * MINUTE);
    w.end(past);
  }
  const spec = { tenantId: asTenantId("tenant-1"), name: "job", gpuCount: 1 };
  const answer = w.apply({ kind: "submit-job", spec, count: 2 });
  const [running, waiting] = (answer && "jobIds" in answer ? answer.jobIds : undefined) as [JobId, JobId];
  w.begin(running);
  expect(w.job(running).plan?.basis).toBe("history");
  expect(atOnce(new Outlook(w.state, w.now).lateStartOf(waiting))).toEqual({ at: w.now + 5 * MINUTE, isTooFar: false });
});
