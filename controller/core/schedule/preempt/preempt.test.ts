import { expect, test } from "vitest";
import type { JobId } from "../../../../base/ids.ts";
import { CoreWorld } from "../../../../test/support/core-world.ts";
import { whyWaiting } from "../../explain.ts";
import { estimateWaitMs } from "../../../../test/support/foretell.ts";
import { type JobSpec, stateOf } from "../../model/job.ts";
import { DEFAULT_POLICY, type Policy } from "../../model/policy.ts";

const MINUTE = 60_000;
const LOW = "low" as never;
const HIGH = "high" as never;

/** Nodes of so many GPUs, a tenant that yields and one that preempts at once. */
function world(gpus: readonly number[], preemption: Partial<Policy["preemption"]> = {}): CoreWorld {
  const policy = {
    ...DEFAULT_POLICY,
    preemption: { minRunMs: 5 * MINUTE, minWaitMs: 0, maxGpusPerGpu: 8, ...preemption },
  };
  const w = new CoreWorld({ policy });
  w.addTenant("low", { tier: "low" });
  w.addTenant("high", { tier: "critical", canPreemptOthers: true });
  gpus.forEach((count, index) => w.addNode(`node-${index + 1}`, { gpus: count }));
  return w;
}

/** A job that has begun. */
function run(w: CoreWorld, spec: Partial<JobSpec> = {}): JobId {
  const id = w.submit({ tenantId: LOW, ...spec });
  w.beginAll(id);
  return id;
}

function submitHigh(w: CoreWorld, spec: Partial<JobSpec> = {}): JobId {
  return w.submit({ tenantId: HIGH, ...spec });
}

test("a victim is stopped, its devices go to the preemptor, and it runs again later as the same job with a new attempt", () => {
  const w = world([4]);
  const victim = run(w, { gpuCount: 4 });
  w.advanceHeard(10 * MINUTE);
  const submittedAt = w.job(victim).submittedAt;
  const id = submitHigh(w, { gpuCount: 2 });
  expect(w.job(victim)).toMatchObject({ phase: "stopping", verdict: { kind: "preempt" } });
  expect(stateOf(w.job(victim))).toBe("preempted");
  expect(w.job(id)).toMatchObject({ phase: "queued", claim: { shares: [{ node: "node-1" }] } });
  w.stopped(victim);
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 1 });
  expect("claim" in w.job(id)).toBe(false);
  expect(w.job(victim)).toMatchObject({ phase: "queued", isPreempted: true, retries: 0, attempt: 1, submittedAt });
  expect(stateOf(w.job(victim))).toBe("preempted");
  w.beginAll(id);
  w.end(id);
  expect(w.job(victim)).toMatchObject({ phase: "starting", attempt: 2 });
  expect(stateOf(w.job(victim))).toBe("preempted");
  w.beginAll(victim);
  expect(stateOf(w.job(victim))).toBe("running");
  expect(w.job(victim).isPreempted).toBeUndefined();
});

test("both jobs have a receipt: by whom, why, and what it cost since the last checkpoint", () => {
  const w = world([2]);
  const victim = run(w, { gpuCount: 2 });
  w.advanceHeard(8 * MINUTE);
  w.checkpoint(victim);
  w.advanceHeard(2 * MINUTE);
  const id = submitHigh(w, { gpuCount: 1 });
  const receipt = `makes room for ${id} of high, priority 5000 over 100: 240 GPU-seconds lost since its last checkpoint`;
  expect(w.job(victim).history.at(-1)).toMatchObject({ kind: "stopping", message: receipt });
  expect(w.job(id).history.at(-1)).toMatchObject({
    kind: "preempting",
    message:
      `with priority 5000 it is given room on node-1 by ${victim} of low with priority 100 ` +
      "(240 GPU-seconds lost since its last checkpoint)",
  });
  w.stopped(victim);
  expect(w.job(victim).history.at(-1)).toMatchObject({ kind: "preempted", message: receipt });
});

test("the job that waits for room says who is to make it", () => {
  const w = world([1]);
  const victim = run(w);
  w.advanceHeard(5 * MINUTE);
  const job = w.job(submitHigh(w));
  expect(job.phase === "queued" && whyWaiting(w.state, job, w.now)).toEqual({
    kind: "preempting",
    leaving: [victim],
    nodes: ["node-1"],
  });
});

test("a job that asks for it is cancelled instead of queued again", () => {
  const w = world([1]);
  const victim = run(w, { onPreempt: "cancel" });
  w.advanceHeard(5 * MINUTE);
  const id = submitHigh(w);
  w.stopped(victim);
  expect(w.job(victim)).toMatchObject({ phase: "finished", outcome: { kind: "preempted" } });
  expect(stateOf(w.job(victim))).toBe("preempted");
  expect(w.job(id).phase).toBe("starting");
});

test("nobody is stopped by a tenant that may not, for one that does not allow it, or by an equal", () => {
  const w = world([3]);
  w.addTenant("stubborn", { tier: "low", allowPreemption: false });
  w.addTenant("meek");
  const ids = [run(w, { tenantId: "stubborn" as never }), run(w, { tenantId: HIGH }), run(w)];
  w.advanceHeard(10 * MINUTE);
  submitHigh(w, { gpuCount: 2 });
  w.submit({ tenantId: "meek" as never });
  expect(ids.map((id) => w.job(id).phase)).toEqual(["running", "running", "running"]);
});

test("a tenant's important job may take the place of a less important one of its own", () => {
  const w = world([1]);
  const victim = run(w, { tenantId: HIGH, priority: 10 });
  w.advanceHeard(5 * MINUTE);
  submitHigh(w, { priority: 11 });
  expect(w.job(victim).phase).toBe("stopping");
});

test("a job waits before it preempts, and a victim has its minimum time: both are looked at in time", () => {
  const w = world([1], { minWaitMs: 30_000 });
  const victim = run(w);
  const id = submitHigh(w);
  w.advanceHeard(5 * MINUTE - 1_000);
  expect(w.job(victim).phase).toBe("running");
  w.advanceHeard(1_000);
  expect(w.job(victim).phase).toBe("stopping");
  w.stopped(victim);
  w.end(id);
  w.beginAll(victim);
  w.advanceHeard(5 * MINUTE);
  submitHigh(w);
  w.advanceHeard(29_000);
  expect(w.job(victim).phase).toBe("running");
  w.advanceHeard(1_000);
  expect(w.job(victim).phase).toBe("stopping");
});

test("while enough is leaving already nobody else is stopped, unless it does not leave", () => {
  const w = world([1, 1]);
  const [leaving, other] = [run(w), run(w)];
  w.advanceHeard(10 * MINUTE);
  w.cancel(leaving);
  const id = submitHigh(w);
  w.advanceHeard(59_000);
  expect([w.job(other).phase, w.job(id).phase]).toEqual(["running", "queued"]);
  w.advanceHeard(1_000);
  expect(w.job(other).phase).toBe("stopping");
});

test("what victims leave is not given to others who wait, whoever they are", () => {
  const w = world([4]);
  const victims = [run(w, { gpuCount: 2 }), run(w, { gpuCount: 2 })];
  w.advanceHeard(10 * MINUTE);
  const id = submitHigh(w, { gpuCount: 4 });
  w.addTenant("other");
  const others = [w.submit({ tenantId: "other" as never, priority: 9_000 }), w.submit({ tenantId: LOW })];
  const [first = "" as JobId, second = "" as JobId] = victims;
  w.stopped(first);
  expect([id, ...others].map((it) => w.job(it).phase)).toEqual(["queued", "queued", "queued"]);
  w.stopped(second);
  expect([id, ...others].map((it) => w.job(it).phase)).toEqual(["starting", "queued", "queued"]);
});

test("a claim outlives the controller", () => {
  const w = world([2]);
  const victim = run(w, { gpuCount: 2 });
  w.advanceHeard(10 * MINUTE);
  const id = submitHigh(w, { gpuCount: 2 });
  w.restart();
  expect(w.state.claims.get(id)).toBeDefined();
  w.hello("node-1");
  const thief = w.submit({ tenantId: HIGH, priority: 9_000 });
  w.stopped(victim);
  expect([id, thief].map((it) => w.job(it).phase)).toEqual(["starting", "queued"]);
});

test("a claim ends with its job, and when the room is not left in time", () => {
  const w = world([1, 1]);
  const victims = [run(w), run(w)];
  w.advanceHeard(10 * MINUTE);
  const id = submitHigh(w);
  expect(w.state.claims.size).toBe(1);
  w.cancel(id);
  expect(w.state.claims.size).toBe(0);
  const stuck = victims.filter((victim) => w.job(victim).phase === "stopping");
  expect(stuck.length).toBe(1);
  const next = submitHigh(w, { gpuCount: 1 });
  w.advanceHeard(2 * MINUTE);
  expect(victims.map((victim) => w.job(victim).phase)).toEqual(["stopping", "stopping"]);
  expect(w.job(next)).toMatchObject({ phase: "queued" });
  w.advanceHeard(MINUTE);
  expect(w.job(next).history.some(({ message }) => message.includes("not left in time"))).toBe(true);
  expect(w.state.claims.size).toBe(0);
});

test("jobs alike preempt side by side, each its own victims", () => {
  const w = world([1, 1, 1]);
  const victims = [run(w), run(w), run(w)];
  w.advanceHeard(10 * MINUTE);
  w.apply({
    kind: "submit-job",
    count: 2,
    spec: { tenantId: HIGH, name: "array", gpuCount: 1 },
  });
  expect(victims.filter((victim) => w.job(victim).phase === "stopping").length).toBe(2);
  expect(w.state.claims.size).toBe(2);
});

test("the tenant's other jobs do not take the quota for which victims were stopped", () => {
  const w = world([2]);
  w.addTenant("small", { canPreemptOthers: true, limits: { gpus: 2 } });
  const victim = run(w, { gpuCount: 2 });
  w.advanceHeard(10 * MINUTE);
  const id = w.submit({ tenantId: "small" as never, gpuCount: 2 });
  w.addNode("node-2", { gpus: 1 });
  const late = w.submit({ tenantId: "small" as never, priority: 9_000 });
  expect(w.job(late).phase).toBe("queued");
  w.stopped(victim);
  expect(w.job(id).phase).toBe("starting");
  expect(w.job(late).phase).toBe("queued");
});

test("the tenant's other jobs do not take the GPU-hours for which victims were stopped", () => {
  const w = world([2]);
  w.addTenant("thrifty", { canPreemptOthers: true, gpuHoursBudget: 2 });
  const victim = run(w, { gpuCount: 2 });
  w.advanceHeard(10 * MINUTE);
  const id = w.submit({ tenantId: "thrifty" as never, gpuCount: 2, maxRuntimeMinutes: 60 });
  w.addNode("node-2", { gpus: 1 });
  const late = w.submit({ tenantId: "thrifty" as never, priority: 9_000, maxRuntimeMinutes: 30 });
  const job = w.job(late);
  expect(job.phase === "queued" && whyWaiting(w.state, job, w.now)).toMatchObject({
    kind: "budget",
    block: { spentHours: 0, committedHours: 0, claimedHours: 2, wantedHours: 0.5, budgetHours: 2 },
  });
  w.stopped(victim);
  expect([id, late].map((it) => w.job(it).phase)).toEqual(["starting", "queued"]);
});

test("GPU-hours that were kept for a preemptor are free again when it is cancelled", () => {
  const w = world([2]);
  w.addTenant("thrifty", { canPreemptOthers: true, gpuHoursBudget: 2 });
  run(w, { gpuCount: 2 });
  w.advanceHeard(10 * MINUTE);
  const id = w.submit({ tenantId: "thrifty" as never, gpuCount: 2, maxRuntimeMinutes: 60 });
  w.addNode("node-2", { gpus: 1 });
  const late = w.submit({ tenantId: "thrifty" as never, maxRuntimeMinutes: 30 });
  w.cancel(id);
  expect(w.job(late).phase).toBe("starting");
});

test("beyond its tenant's quota or budget a job stops nobody", () => {
  const w = world([2]);
  w.addTenant("limited", { canPreemptOthers: true, limits: { gpuMemoryMb: 100_000 } });
  w.addTenant("poor", { canPreemptOthers: true, gpuHoursBudget: 1 });
  const victim = run(w, { gpuCount: 2 });
  w.advanceHeard(10 * MINUTE);
  w.submit({ tenantId: "limited" as never, gpuCount: 2 });
  w.submit({ tenantId: "poor" as never, maxRuntimeMinutes: 90 });
  expect(w.job(victim).phase).toBe("running");
});

test("a preempted job does not preempt back, however long it waits", () => {
  const w = world([1], { minRunMs: 0 });
  w.addTenant("low-too", { tier: "low", canPreemptOthers: true });
  const first = w.submit({ tenantId: "low-too" as never });
  w.beginAll(first);
  w.advanceHeard(MINUTE);
  const second = submitHigh(w);
  w.stopped(first);
  w.beginAll(second);
  for (let day = 0; day < 12; day += 1) {
    w.now += 12 * 60 * MINUTE;
    w.hello("node-1");
    w.advanceHeard(MINUTE);
    expect([w.job(first).phase, w.job(second).phase]).toEqual(["queued", "running"]);
  }
});

test("a blocked gang is given room by whole jobs on several nodes, and a gang is stopped as one", () => {
  const w = world([2, 2, 2]);
  const gang = run(w, { gpuCount: 4, gang: true });
  const single = run(w, { gpuCount: 2 });
  w.advanceHeard(10 * MINUTE);
  const id = submitHigh(w, { gpuCount: 4, gang: true, gpusPerNode: 2 });
  expect([w.job(gang).phase, w.job(single).phase]).toEqual(["stopping", "running"]);
  w.stopped(gang);
  expect(w.job(id)).toMatchObject({ phase: "starting", allocations: [{ node: "node-1" }, { node: "node-2" }] });
});

test("an estimate knows that others will have to make room", () => {
  const w = world([1], { minWaitMs: 30_000 });
  run(w, { graceSeconds: 20 });
  w.advanceHeard(10 * MINUTE);
  const id = submitHigh(w, { maxRuntimeMinutes: 5 });
  expect(estimateWaitMs(w.state, id, w.now)).toBe(50_000);
  expect(w.state.claims.size).toBe(0);
});
