import { expect, test } from "vitest";
import type { JobId } from "../../base/ids.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import { explain } from "./explain.ts";
import type { JobSpec } from "./model/job.ts";
import { Outlook } from "./outlook.ts";
import { atOnce } from "./slices.ts";

const MINUTE = 60_000;

/** Two GPUs, one of them taken for an hour. */
function halfTaken(): CoreWorld {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus: 2 });
  w.begin(w.submit({ maxRuntimeMinutes: 60 }));
  return w;
}

function changesOf(w: CoreWorld, id: JobId) {
  return atOnce(explain(w.state, w.job(id), new Outlook(w.state, w.now))).counterfactuals.found;
}

/** Jobs and arrays that have completed, or are about to. */
function completed(w: CoreWorld, count?: number): JobId {
  const spec = { ...w.state.spec(w.submit({ gpuCount: 0 })), name: "before" };
  const answer = w.apply({ kind: "submit-job", spec, ...(count === undefined ? {} : { count }) });
  if (!answer || !("jobId" in answer)) throw new Error("it was refused");
  for (const id of ("jobIds" in answer ? answer.jobIds : undefined) ?? [answer.jobId]) {
    w.begin(id);
    w.end(id);
  }
  return answer.jobId;
}

test("a job whose dependencies have completed is told what would help, and that comes true", () => {
  const w = halfTaken();
  const dependsOn = [completed(w), completed(w, 3)];
  const wanted: Partial<JobSpec> = { gpuCount: 2, dependsOn };
  const id = w.submit(wanted);
  expect(changesOf(w, id)).toEqual([{ change: { gpuCount: 1 }, startsAt: w.now }]);
  w.cancel(id);
  expect(w.job(w.submit({ ...wanted, gpuCount: 1 })).phase).toBe("starting");
});

test("a job some of whose dependencies have completed, or part of an array of them, is told as well", () => {
  const w = halfTaken();
  const spec = { ...w.state.spec(w.submit({ gpuCount: 0 })), maxRuntimeMinutes: 10 };
  const answer = w.apply({ kind: "submit-job", spec, count: 2 });
  const { jobId: array, jobIds = [] } = answer as { jobId: JobId; jobIds?: readonly JobId[] };
  for (const job of jobIds) w.begin(job);
  w.end(jobIds[0] as JobId);
  const id = w.submit({ gpuCount: 2, dependsOn: [completed(w), array] });
  expect(changesOf(w, id)).toEqual([{ change: { gpuCount: 1 }, startsAt: w.now + 10 * MINUTE }]);
});
