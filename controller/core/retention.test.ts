import { expect, test } from "vitest";
import { asTenantId, type JobId } from "../../base/ids.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import { duePastJobs, type Retention } from "./retention.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const KEEP: Retention = { keepMs: HOUR, keepJobs: 1_000 };

function world(gpus = 4): CoreWorld {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus });
  return w;
}

function due(w: CoreWorld, retention: Partial<Retention> = {}, limit = 100): JobId[] {
  return duePastJobs(w.state, { ...KEEP, ...retention }, limit, w.now);
}

/** Runs the job for a minute. */
function run(w: CoreWorld, id: JobId): JobId {
  w.begin(id);
  w.advanceHeard(MINUTE);
  w.end(id);
  return id;
}

function submitArray(w: CoreWorld, count: number): { id: JobId; members: readonly JobId[] } {
  const spec = { tenantId: asTenantId("tenant-1"), name: "job", gpuCount: 1 };
  const answer = w.apply({ kind: "submit-job", spec, count });
  if (!answer || !("jobIds" in answer) || !answer.jobIds) throw new Error("no array");
  return { id: answer.jobId, members: answer.jobIds };
}

test("a job is due once it has been over for long enough, the one that ended first in front", () => {
  const w = world();
  const [slow, quick] = [w.submit(), w.submit()];
  w.begin(slow);
  run(w, quick);
  run(w, slow);
  expect(due(w)).toEqual([]);
  w.advanceHeard(HOUR - MINUTE);
  expect(due(w)).toEqual([quick]);
  w.advanceHeard(MINUTE);
  expect(due(w)).toEqual([quick, slow]);
  w.restart();
  expect(due(w)).toEqual([quick, slow]);
  expect(due(w, {}, 1)).toEqual([quick]);
});

test("beyond the number that is kept those that ended first are due at once", () => {
  const w = world();
  const ended = [1, 2, 3, 4].map(() => run(w, w.submit()));
  expect(due(w, { keepJobs: 3 })).toEqual(ended.slice(0, 1));
  expect(due(w, { keepJobs: 1 })).toEqual(ended.slice(0, 3));
});

test("what is forgotten is gone, from rows and from lists, and nothing else is", () => {
  const w = world();
  const [gone, kept, running] = [run(w, w.submit()), run(w, w.submit()), w.submit()];
  w.begin(running);
  expect(w.apply({ kind: "forget-jobs", ids: [gone, running] })).toEqual({ jobs: 1 });
  for (const _ of [1, 2]) {
    expect([...w.state.jobs.keys()]).toEqual([kept, running]);
    expect([...w.state.specs.keys()]).toEqual([kept, running]);
    expect(w.state.jobsInState).toMatchObject({ completed: 1, running: 1 });
    w.restart();
  }
  expect(w.apply({ kind: "forget-jobs", ids: [gone] })).toEqual({ jobs: 0 });
});

test("an array goes as a whole, once the last of its jobs has been over for long enough", () => {
  const w = world(2);
  const { id, members } = submitArray(w, 2);
  const [one, two] = members as [JobId, JobId];
  run(w, one);
  w.advanceHeard(2 * HOUR);
  expect(due(w, { keepJobs: 0 })).toEqual([]);
  expect(w.apply({ kind: "forget-jobs", ids: [id, one] })).toEqual({ jobs: 0 });
  run(w, two);
  expect(due(w)).toEqual([]);
  w.advanceHeard(HOUR);
  expect(due(w)).toEqual([id]);
  w.restart();
  expect(due(w)).toEqual([id]);
  expect(w.apply({ kind: "forget-jobs", ids: [id] })).toEqual({ jobs: 2 });
  expect([w.state.jobs.size, w.state.specs.size, w.state.arrays.size]).toEqual([0, 0, 0]);
});

test("what a job depends on stays until that job is over, also where it is not waited for any more", () => {
  const w = world(1);
  const first = run(w, w.submit());
  const { id, members } = submitArray(w, 1);
  run(w, members[0] as JobId);
  const dependent = w.submit({ dependsOn: [first, members[0] as JobId] });
  w.begin(dependent);
  w.advanceHeard(2 * HOUR);
  expect(due(w)).toEqual([]);
  expect(w.apply({ kind: "forget-jobs", ids: [first, id] })).toEqual({ jobs: 0 });
  w.restart();
  w.hello("node-1");
  expect(due(w)).toEqual([]);
  w.end(dependent);
  expect(due(w)).toEqual([first, id]);
});

test("what forgotten jobs used still counts against a budget, after a restart too", () => {
  const w = world();
  w.addTenant("tenant-2", { gpuHoursBudget: 1 });
  const spec = { tenantId: asTenantId("tenant-2"), gpuCount: 4, maxRuntimeMinutes: 10 };
  const first = w.submit(spec);
  w.begin(first);
  w.advanceHeard(10 * MINUTE);
  w.end(first);
  expect(w.apply({ kind: "forget-jobs", ids: [first] })).toEqual({ jobs: 1 });
  w.restart();
  w.hello("node-1");
  const next = w.submit(spec);
  expect(w.job(next).phase).toBe("queued");
  w.now += 31 * 24 * HOUR;
  w.restart();
  w.hello("node-1");
  expect(w.job(next).phase).toBe("starting");
});
