import { expect, test } from "vitest";
import { asTenantId, type JobId } from "../../../base/ids.ts";
import { CoreWorld } from "../../../test/support/core-world.ts";
import { estimateWaitMs } from "../../../test/support/foretell.ts";
import type { Answers } from "../input.ts";
import { checkInvariants } from "../invariants.ts";
import { Output, type RowWrite } from "../output.ts";
import { finish } from "../transition.ts";
import type { JobSpec } from "./job.ts";

const MINUTE = 60_000;

function world(gpus = 2): CoreWorld {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus });
  return w;
}

function submitArray(w: CoreWorld, count: number, spec: Partial<JobSpec> = {}): Required<Answers["submit-job"]> {
  const whole = { tenantId: asTenantId("tenant-1"), name: "job", gpuCount: 1, ...spec };
  const answer = w.apply({ kind: "submit-job", spec: whole, count });
  if (!answer || !("jobIds" in answer) || !answer.jobIds) throw new Error("no array");
  return { jobId: answer.jobId, jobIds: answer.jobIds };
}

function phasesOf(w: CoreWorld, ids: readonly JobId[]): readonly string[] {
  return ids.map((id) => w.job(id).phase);
}

test("whoever waits for an array waits until all of its jobs are completed", () => {
  const w = world();
  const first = submitArray(w, 2);
  const [one, two] = first.jobIds as [JobId, JobId];
  const single = w.submit();
  const later = submitArray(w, 2, { dependsOn: [first.jobId, single] });
  expect(w.job(later.jobIds[0] as JobId)).toMatchObject({ hold: { on: [first.jobId, single] } });
  w.begin(one);
  w.begin(two);
  w.end(one);
  expect(w.job(later.jobIds[0] as JobId)).toMatchObject({ phase: "held", hold: { on: [first.jobId, single] } });
  w.end(two);
  expect(w.job(later.jobIds[1] as JobId)).toMatchObject({ phase: "held", hold: { on: [single] } });
  w.restart();
  w.hello("node-1");
  w.begin(single);
  w.end(single);
  expect(phasesOf(w, later.jobIds)).toEqual(["starting", "starting"]);
  expect(w.job(w.submit({ dependsOn: [first.jobId] })).phase).toBe("queued");
});

test("an array one job of which fails takes with it whoever waits for it, and whoever comes later", () => {
  const w = world();
  const first = submitArray(w, 3);
  const [, two] = first.jobIds as [JobId, JobId];
  const later = submitArray(w, 2, { dependsOn: [first.jobId] });
  const last = w.submit({ dependsOn: [later.jobId] });
  w.begin(two);
  w.end(two, 1);
  const message = `depends on ${two}, which was not completed: failed`;
  for (const id of [...later.jobIds, w.submit({ dependsOn: [first.jobId] })]) {
    expect(w.job(id)).toMatchObject({ phase: "finished", outcome: { kind: "failed", message } });
  }
  expect(w.job(last)).toMatchObject({
    outcome: { message: `depends on ${later.jobIds[0]}, which was not completed: failed` },
  });
});

test("ten thousand jobs that wait for ten thousand cost two rows each", () => {
  const w = new CoreWorld();
  w.addTenant();
  const [many, at] = [10_000, w.now];
  const first = submitArray(w, many);
  const later = submitArray(w, many, { dependsOn: [first.jobId] });
  const state = w.state;
  const written: RowWrite[] = [];
  for (const id of first.jobIds) {
    const out = new Output();
    finish(state, out, state.job(id), { kind: "completed", exitCode: 0, message: "" }, at);
    if (id !== first.jobIds.at(-1)) expect(out.writes.length).toBe(1);
    written.push(...out.writes);
  }
  expect(written.length).toBe(2 * many);
  expect(later.jobIds.every((id) => state.job(id).phase === "queued")).toBe(true);
  checkInvariants(state);
  const named = [...w.rows.values()].reduce((sum, { value }) => {
    return sum + (value && "hold" in value && value.hold.kind === "dependencies" ? value.hold.on.length : 0);
  }, 0);
  expect(named).toBe(many);
});

test("a forecast knows when an array that another waits for will be over", () => {
  const w = world(1);
  const first = submitArray(w, 3, { maxRuntimeMinutes: 10 });
  w.begin(first.jobIds[0] as JobId);
  const later = w.submit({ dependsOn: [first.jobId], notBefore: w.now + 45 * MINUTE });
  const soon = w.submit({ dependsOn: [first.jobId], maxRuntimeMinutes: 5 });
  expect(estimateWaitMs(w.state, soon, w.now)).toBe(30 * MINUTE);
  expect(estimateWaitMs(w.state, later, w.now)).toBe(45 * MINUTE);
});
