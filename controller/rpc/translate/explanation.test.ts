import { expect, test } from "vitest";
import { asDeviceId, asNodeName, asTenantId, type JobId } from "../../../base/ids.ts";
import { CoreWorld } from "../../../test/support/core-world.ts";
import type { JobSpec } from "../../core/model/job.ts";
import { DEFAULT_POLICY, policyNamed } from "../../core/model/policy.ts";
import { fromDryRun, fromExplained } from "./explanation.ts";
import { dryRun } from "../../core/dry-run.ts";
import { LateStarts } from "../../core/late-start.ts";
import { Outlook } from "../../core/outlook.ts";
import { atOnce } from "../../core/slices.ts";

const MINUTE = 60_000;
const HIGH = asTenantId("high");

function world(...gpus: readonly number[]): CoreWorld {
  const preemption = { ...DEFAULT_POLICY.preemption, minWaitMs: 0, maxGpusPerGpu: 8 };
  const w = new CoreWorld({ policy: { ...DEFAULT_POLICY, preemption } });
  w.addTenant("tenant-1", { tier: "low" });
  w.addTenant("high", { canPreemptOthers: true });
  gpus.forEach((count, index) => w.addNode(`node-${index + 1}`, { gpus: count, cpuCores: 8 }));
  return w;
}

/** Two jobs that must make room for a third, of which the first has left. */
function halfLeft(w: CoreWorld, spec: Partial<JobSpec> = {}): { id: JobId; left: JobId; leaving: JobId } {
  const [left, leaving] = [w.submit({ gpuCount: 2 }), w.submit({ gpuCount: 2 })];
  for (const id of [left, leaving]) w.beginAll(id);
  w.advanceHeard(10 * MINUTE);
  const id = w.submit({ tenantId: HIGH, gpuCount: 4, ...spec });
  w.stopped(left);
  return { id, left, leaving };
}

const explained = (w: CoreWorld, id: JobId) =>
  atOnce(fromExplained(w.state, w.job(id), new LateStarts(), new Outlook(w.state, w.now)));

test("a job that fits but for what others left to a third is told for whom that is kept", () => {
  const w = world(4);
  const { id } = halfLeft(w);
  const message = `waiting for room: what is free is kept for ${id}, for which others were stopped`;
  expect(explained(w, w.submit({ gpuCount: 1 }))).toMatchObject({
    message,
    blockers: [{ kind: "claimed", message, job_ids: [id] }],
    nodes: [
      {
        answer: "not-now",
        reason: "claimed",
        message: `has room that is kept for ${id}, for which others were stopped`,
      },
    ],
  });
});

test("a job that would not fit either way waits for resources, and is told what is kept of them", () => {
  const w = world(4);
  halfLeft(w);
  const message = "waiting for 3 more GPUs: 0 of 4 are free; 2 are kept for jobs for which others were stopped";
  expect(explained(w, w.submit({ gpuCount: 3 })).blockers).toMatchObject([{ kind: "resources", message, missing: 3 }]);
});

test("gangs, jobs without GPUs and jobs of which one part fits are told of what is kept as well", () => {
  const w = world(4, 1);
  const { id } = halfLeft(w, { cpuCores: 8 });
  const kept = [{ kind: "claimed", job_ids: [id] }];
  w.submit({ gpuCount: 1, cpuCores: 8 });
  expect(explained(w, w.submit({ gpuCount: 2, gang: true })).blockers).toMatchObject(kept);
  expect(explained(w, w.submit({ gpuCount: 2, gang: true, gpusPerNode: 2 })).blockers).toMatchObject(kept);
  expect(explained(w, w.submit({ gpuCount: 0, cpuCores: 2 })).blockers).toMatchObject(kept);
  expect(explained(w, w.submit({ gpuCount: 3, gang: true })).blockers).toMatchObject([{ kind: "resources" }]);
});

test("the job that others make room for is told who has not left yet, and by when they must have", () => {
  const w = world(4);
  const { id, leaving } = halfLeft(w);
  const job = w.job(id);
  const until = job.phase === "queued" ? job.claim?.until : undefined;
  const message = `waiting for ${leaving} to make room on node-1`;
  const { blockers, nodes } = explained(w, id);
  expect(blockers).toEqual([{ kind: "preempting", message, job_ids: [leaving], until_ms: until }]);
  expect(nodes).toMatchObject([{ reason: "gpus-busy", message: "has 2 GPUs free of the 4 needed" }]);
});

test("a tenant's limit tells apart what is held and what is kept for jobs that others make room for", () => {
  const w = world(4, 1);
  w.addTenant("small", { canPreemptOthers: true, limits: { gpus: 4 } });
  const small = asTenantId("small");
  halfLeft(w, { tenantId: small });
  const message =
    "quota: tenant uses 0 of 4 GPUs, has 4 kept for jobs that others make room for, and the job asks for 1";
  const { blockers } = explained(w, w.submit({ tenantId: small }));
  expect(blockers).toMatchObject([{ kind: "quota", message, used: 4, limit: 4, missing: 1 }]);
});

test("a budget tells apart what is spent, what runs, and what is kept for jobs that others make room for", () => {
  const w = world(4, 1);
  w.addTenant("thrifty", { canPreemptOthers: true, gpuHoursBudget: 2 });
  const thrifty = asTenantId("thrifty");
  halfLeft(w, { tenantId: thrifty, maxRuntimeMinutes: 30 });
  const { blockers } = explained(w, w.submit({ tenantId: thrifty, maxRuntimeMinutes: 6 }));
  const message =
    "budget: 0 spent, 0 committed to running jobs and 2 kept for jobs that others make room for, of 2 GPU-hours, " +
    "and the job may need 0.1";
  expect(blockers).toMatchObject([{ kind: "budget", message, used: 2, limit: 2 }]);
});

test("devices that nobody uses and nobody is given are told of: hot ones, and those that something given up is still on", () => {
  const w = world(3);
  const [hot, left, other] = [0, 1, 2].map((index) => asDeviceId(`node-1-gpu-${index}`));
  const { session = 0, running } = w.node("node-1");
  const key = { jobId: "job-9" as JobId, attempt: 1, rank: 0 };
  running.set("job-9-1-0", { key, devices: left ? [left] : [], state: { phase: "running", startedAt: w.now } });
  w.hello("node-1");
  const heartbeat = { node: asNodeName("node-1"), sequence: 1, executor: { ready: true, message: "" } };
  const telemetry = hot && other ? [{ id: hot, isThrottling: true }] : [];
  w.apply({ kind: "node-heartbeat", session: w.node("node-1").session ?? session, ...heartbeat, telemetry });
  const why = "; 1 slows itself down for heat; 1 is not left yet by a job that was given up";
  expect(explained(w, w.submit({ gpuCount: 3 }))).toMatchObject({
    message: `waiting for 2 more GPUs: 1 of 3 are free${why}`,
    nodes: [{ reason: "gpus-busy", message: `has 1 GPU free of the 3 needed${why}` }],
  });
});

test("the blocker of a job that no node can take now says why, as its message does", () => {
  const w = world(2);
  w.disconnect("node-1");
  w.advance(15_000);
  const message = "waiting for a node: node-1 is unreachable";
  expect(explained(w, w.submit())).toMatchObject({ message, blockers: [{ kind: "resources", message }] });
});

test("what a job waits for names what it asked for: the model, the memory, the share, the label", () => {
  const w = world(1);
  w.submit({ gpuCount: 1 });
  const messageOf = (spec: Partial<JobSpec>) => {
    const full = { tenantId: asTenantId("tenant-1"), name: "trial", gpuCount: 1, ...spec };
    const run = atOnce(dryRun(w.state, { spec: full }, new Outlook(w.state, w.now)));
    return fromDryRun(run, full, w.now).explanation?.message;
  };
  const never = "no node can ever run this: node-1";
  expect(messageOf({ gpuModel: "H200", gpuMemoryMb: 9 })).toBe(`${never} has 0 GPUs of h200 with 9 MB of the 1 needed`);
  expect(messageOf({ gpuModel: "test", gpuMemoryMb: 9 })).toBe(
    "waiting for 1 more GPU of test with 9 MB: 0 of 1 are free",
  );
  expect(messageOf({ gpuMilli: 500 })).toBe(`${never} does not share GPUs: only jobs without gpu_milli can run there`);
  expect(messageOf({ nodeSelector: { zone: "a" } })).toBe(
    `${never} does not match node_selector zone=a: it has no such label`,
  );
  w.addNode("node-2", { gpus: 0, labels: { zone: "b" } });
  expect(messageOf({ nodeSelector: { zone: "a" }, gpuCount: 0 })).toContain("its zone is b");
  w.addNode("node-3", { gpus: 1, allowsSharing: true, cpuCores: 4 });
  w.submit({ gpuMilli: 600 });
  expect(messageOf({ gpuMilli: 500 })).toBe("waiting for 0.5 of a GPU: none of 1 has as much free");
});

test("a gang that finds too few nodes of its size is told that it can never run", () => {
  const w = world(4, 1);
  expect(explained(w, w.submit({ gpuCount: 4, gang: true, gpusPerNode: 2 })).message).toBe(
    "no nodes together can ever run this: 2 to a node they have 2 GPUs of the 4 needed",
  );
});

test("GPUs of nodes that are too small for the job are not counted: their being free would not help", () => {
  const w = world(4, 2);
  w.submit({ gpuCount: 3 });
  expect(explained(w, w.submit({ gpuCount: 3 })).message).toBe("waiting for 2 more GPUs: 1 of 4 are free");
});

test("a gang is told how much of it each node has room for, and if all of them together never have enough", () => {
  const w = world(4, 4);
  w.submit({ gpuCount: 1, cpuCores: 5 });
  expect(explained(w, w.submit({ gpuCount: 6, gang: true, cpuCores: 12 }))).toMatchObject({
    message: "waiting for room: node-1 has room for 1 of the job's 6 GPUs; node-2 has room for 4 of the job's 6 GPUs",
    nodes: [{ answer: "fits" }, { answer: "fits" }],
  });
  expect(explained(w, w.submit({ gpuCount: 6, gang: true, cpuCores: 18 })).message).toBe(
    "no nodes together can ever run this: with their part of its cores and memory they have 4 GPUs of the 6 needed",
  );
});

test("a gang for which there is too little room is not told that it is kept for others, though some of it is", () => {
  const w = world(2, 2);
  for (const gpuCount of [1, 2]) w.beginAll(w.submit({ gpuCount, maxRuntimeMinutes: 60 }));
  const first = w.submit({ gpuCount: 2 });
  expect(explained(w, w.submit({ gpuCount: 4, gang: true })).blockers).toMatchObject([
    { kind: "resources", message: "waiting for 3 more GPUs: 1 of 4 are free" },
  ]);
  expect(explained(w, w.submit({ gpuCount: 1 })).blockers).toMatchObject([{ kind: "reserved", job_ids: [first] }]);
});

test("of the room that is kept only that is told of which the job could use, and never its own", () => {
  const w = new CoreWorld({ policy: policyNamed("conservative") });
  w.addTenant();
  w.addNode("node-1", { gpus: 2, model: "A100" });
  w.addNode("node-2", { gpus: 1, model: "H100" });
  for (const spec of [{ gpuModel: "A100" }, { gpuModel: "H100" }]) {
    w.beginAll(w.submit({ ...spec, maxRuntimeMinutes: 60 }));
  }
  const first = w.submit({ gpuCount: 2, gpuModel: "A100", maxRuntimeMinutes: 10 });
  w.submit({ gpuModel: "H100", maxRuntimeMinutes: 10 });
  const id = w.submit({ gpuModel: "A100", maxRuntimeMinutes: 90 });
  expect(w.state.scheduling.reservations.map(({ jobId }) => jobId)).toContain(id);
  expect(explained(w, id).blockers).toMatchObject([{ kind: "reserved", job_ids: [first] }]);
});

test("where nobody may pass, a job that would fit is told who comes first", () => {
  const w = new CoreWorld({ policy: policyNamed("fifo") });
  w.addTenant();
  w.addNode("node-1", { gpus: 2 });
  // What is kept for it is on the first node.
  w.addNode("node-2", { gpus: 1, cpuCores: 1 });
  const first = w.submit({ gpuCount: 1, cpuCores: 2, maxRuntimeMinutes: 60 });
  w.beginAll(first);
  const wide = w.submit({ gpuCount: 2 });
  const behind = w.submit({ gpuCount: 1 });
  const message = `waiting for room: what is free is kept for ${wide}`;
  expect(explained(w, wide).blockers).toMatchObject([{ kind: "resources" }]);
  expect(explained(w, behind)).toMatchObject({ message, blockers: [{ kind: "reserved", message, job_ids: [wide] }] });
  w.cancel(wide);
  expect(w.job(behind).phase).toBe("starting");
});

test("a job that has to make room is told when it will run again, while it is being stopped as well", () => {
  const w = world(2);
  const victim = w.submit({ gpuCount: 2, maxRuntimeMinutes: 60 });
  w.begin(victim);
  w.advanceHeard(10 * MINUTE);
  w.submit({ tenantId: HIGH, gpuCount: 2, maxRuntimeMinutes: 30 });
  expect(w.job(victim).phase).toBe("stopping");
  const told = () => atOnce(fromExplained(w.state, w.job(victim), new LateStarts(), new Outlook(w.state, w.now)));
  expect(told().estimated_wait_ms).toBeGreaterThan(30 * MINUTE);
  w.stopped(victim);
  expect(told().estimated_wait_ms).toBe(30 * MINUTE);
});

test("a job that ran before and of which it cannot be told when it will again is told no time that is past", () => {
  const w = world(2);
  const victim = w.submit({ gpuCount: 2 });
  w.begin(victim);
  w.advanceHeard(10 * MINUTE);
  const other = w.submit({ tenantId: HIGH, gpuCount: 2 });
  w.stopped(victim);
  w.begin(other);
  const told = atOnce(fromExplained(w.state, w.job(victim), new LateStarts(), new Outlook(w.state, w.now)));
  expect(told).not.toHaveProperty("starts_at_ms");
  expect(told).not.toHaveProperty("estimated_wait_ms");
});
