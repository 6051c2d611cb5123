import { expect, test } from "vitest";
import { asNodeName } from "../../base/ids.ts";
import { RequestError } from "../../base/errors.ts";
import type { JobIn } from "./model/job.ts";
import { jobsInOrder, queuePosition } from "./schedule/turn.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import { stateOf } from "./model/job.ts";

function world(nodes = 1, gpus = 8): CoreWorld {
  const made = new CoreWorld();
  made.addTenant();
  for (let n = 1; n <= nodes; n++) made.addNode(`node-${n}`, { gpus });
  return made;
}

test("a job starts as soon as its node says so, and completes with its exit code", () => {
  const w = world();
  const id = w.submit({ gpuCount: 2 });
  expect(w.job(id)).toMatchObject({ phase: "starting", attempt: 1 });
  w.begin(id);
  expect(w.job(id).phase).toBe("running");
  w.now += 60_000;
  w.end(id, 0);
  expect(w.job(id)).toMatchObject({ phase: "finished", outcome: { kind: "completed", exitCode: 0 } });
  expect(w.state.nodes.values().next().value?.held.size).toBe(0);
});

test("a failed job says why, and a retry waits twice as long each time", () => {
  const w = world();
  const id = w.submit({ maxRetries: 2 });
  w.begin(id);
  w.end(id, 3);
  expect(w.job(id)).toMatchObject({
    phase: "held",
    hold: { kind: "backoff", until: w.now + 10_000, why: "exit code 3" },
    retries: 1,
  });
  w.advanceHeard(10_000);
  w.end(id, 3);
  expect(w.job(id)).toMatchObject({ phase: "held", hold: { until: w.now + 20_000 }, retries: 2 });
  w.advanceHeard(20_000);
  expect(w.job(id).attempt).toBe(3);
  w.end(id, 3);
  expect(w.job(id)).toMatchObject({
    phase: "finished",
    outcome: { kind: "failed", exitCode: 3, message: "exit code 3" },
  });
});

test("running out of memory fails a job even when its command ended with 0", () => {
  const w = world();
  const id = w.submit({ memoryMb: 32_000 });
  w.endAs(id, { kind: "exited", exitCode: 0, outOfMemory: true, message: "" });
  expect(w.job(id)).toMatchObject({
    outcome: { kind: "failed", message: "exit code 0: out of memory (limit 32000 MB)" },
  });
});

test("a job that can never start as asked fails at once; one that the node cannot start is tried five times", () => {
  const w = world();
  const bad = w.submit();
  w.endAs(bad, { kind: "bad-request", message: "image not found: nope:1" });
  expect(w.job(bad)).toMatchObject({ outcome: { kind: "failed", message: "image not found: nope:1" } });

  const id = w.submit({ maxRetries: 0 });
  for (let attempt = 1; attempt <= 5; attempt++) {
    expect(w.job(id)).toMatchObject({ phase: "starting", attempt });
    const job = w.job(id);
    w.reportFor({ jobId: id, attempt, rank: 0 }, job.allocations[0]?.node ?? "", {
      phase: "ended",
      endedAt: w.now,
      end: { kind: "node", message: "Docker does not answer" },
    });
    w.advanceHeard(60_000);
  }
  expect(w.job(id)).toMatchObject({
    outcome: { kind: "failed", message: "Docker does not answer (5 attempts could not start)" },
  });
});

test("the story of a job goes forward in time, also when its end is heard of after something that came later", () => {
  const w = world();
  const id = w.submit();
  w.begin(id);
  const endedAt = w.now + 1_000;
  w.now += 3_000;
  w.cancel(id);
  const key = { jobId: id, attempt: 1, rank: 0 };
  const end = { kind: "exited", exitCode: 0, outOfMemory: false, message: "" } as const;
  w.reportFor(key, w.job(id).allocations[0]?.node ?? "", { phase: "ended", endedAt, end });
  expect(w.job(id)).toMatchObject({ phase: "finished", finishedAt: endedAt });
  const times = w.job(id).history.map(({ at }) => at);
  expect(times).toEqual(times.toSorted((one, other) => one - other));
});

test("a queued job is cancelled at once, a running one when its container is gone, and its devices are held until then", () => {
  const w = world(1, 1);
  const running = w.submit();
  const queued = w.submit();
  w.begin(running);
  w.cancel(queued);
  expect(w.job(queued)).toMatchObject({ phase: "finished", outcome: { kind: "cancelled" } });

  w.cancel(running);
  expect(w.job(running)).toMatchObject({ phase: "stopping" });
  expect(stateOf(w.job(running))).toBe("cancelled");
  expect(w.effects.at(-1)).toMatchObject({ kind: "stop", graceMs: 30_000 });
  const next = w.submit();
  expect(w.job(next).phase).toBe("queued");
  w.end(running, 0);
  expect(w.job(running)).toMatchObject({ phase: "finished", outcome: { kind: "cancelled" } });
  expect(w.job(next).phase).toBe("starting");
});

test("cancelling twice is allowed, cancelling a finished job is a conflict, an unknown one is not found", () => {
  const w = world();
  const id = w.submit();
  w.cancel(id);
  expect(w.cancel(id)).toEqual({ jobId: id });
  const done = w.submit();
  w.end(done, 0);
  expect(w.cancel(done)).toMatchObject({ code: "conflict", message: "Job already completed" });
  expect(w.cancel("job-1" as typeof id)).toMatchObject({ code: "not_found", message: "Job not found" });
});

test("a job is stopped at its time limit and fails with that reason", () => {
  const w = world();
  const id = w.submit({ maxRuntimeMinutes: 2, graceSeconds: 5, maxRetries: 3 });
  w.begin(id);
  w.advanceHeard(119_000);
  expect(w.job(id).phase).toBe("running");
  w.advanceHeard(1_000);
  expect(w.job(id)).toMatchObject({ phase: "stopping", graceMs: 5_000 });
  w.end(id, 143);
  expect(w.job(id)).toMatchObject({ outcome: { kind: "failed", message: "exceeded max runtime of 2 minutes" } });
});

test("the tier caps the priority, ties go by asked priority and then by submission", () => {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { tier: "medium" });
  const ids = [
    w.submit({ name: "a", priority: 500 }),
    w.submit({ name: "b", priority: 9_000 }),
    w.submit({ name: "c", priority: 100 }),
    w.submit({ name: "d" }),
  ];
  expect([...jobsInOrder(w.state, w.now)].map((job) => job.name)).toEqual(["b", "a", "d", "c"]);
  expect(ids.map((id) => w.job(id).effectivePriority)).toEqual([500, 500, 100, 500]);
  expect(ids.map((id) => queuePosition(w.state, w.job(id) as JobIn<"queued">, w.now))).toEqual([2, 1, 4, 3]);
});

test("a job beyond its tenant's limits is refused; one that fits later waits and starts when there is room", () => {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { limits: { gpus: 3, concurrentJobs: 2 } });
  w.addNode("node-1");
  expect(w.trySubmit({ gpuCount: 4 })).toMatchObject({ code: "forbidden", message: "Tenant quota exceeded" });
  const first = w.submit({ gpuCount: 2 });
  const second = w.submit({ gpuCount: 2 });
  expect(w.job(second).phase).toBe("queued");
  w.end(first);
  expect(w.job(second).phase).toBe("starting");
});

test("GPU memory counts as asked, and as the device's own where nothing was asked", () => {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { limits: { gpuMemoryMb: 100_000 } });
  w.addNode("node-1", { gpuMemoryMb: 80_000 });
  const asked = w.submit({ gpuMemoryMb: 16_000 });
  const unasked = w.submit();
  const more = w.submit();
  expect([asked, unasked, more].map((id) => w.job(id).phase)).toEqual(["starting", "starting", "queued"]);
});

test("a deactivated or unknown tenant is refused", () => {
  const w = world();
  w.apply({ kind: "update-tenant", tenantId: "tenant-1" as never, change: { limits: {}, active: false } });
  expect(w.trySubmit()).toMatchObject({ code: "forbidden" });
  expect(w.trySubmit({ tenantId: "tenant-9" as never })).toMatchObject({
    code: "not_found",
    message: "Tenant not found",
  });
});

test("a gang starts on several nodes or not at all, and one dead rank stops the others", () => {
  const w = world(2, 4);
  const blocked = w.submit({ gpuCount: 9, gang: true });
  expect(w.job(blocked).phase).toBe("queued");
  w.cancel(blocked);
  const id = w.submit({ gpuCount: 8, gang: true, cpuCores: 9, memoryMb: 1_001 });
  expect(w.job(id).allocations).toMatchObject([
    { rank: 0, node: "node-1", cpuCores: 5, memoryMb: 501 },
    { rank: 1, node: "node-2", cpuCores: 5, memoryMb: 501 },
  ]);
  const launches = w.effects.filter((effect) => effect.kind === "launch");
  expect(launches.map((effect) => effect.masterAddress)).toEqual(["node-1.test", "node-1.test"]);
  w.begin(id, 0);
  expect(stateOf(w.job(id))).toBe("pending");
  w.begin(id, 1);
  expect(stateOf(w.job(id))).toBe("running");
  w.end(id, 7, 1);
  expect(w.job(id).phase).toBe("stopping");
  expect(w.effects.findLast((effect) => effect.kind === "stop")).toMatchObject({ node: "node-1" });
  w.end(id, 143, 0);
  expect(w.job(id)).toMatchObject({ outcome: { kind: "failed", exitCode: 7, message: "exit code 7" } });
});

test("a job that is no gang needs all of its GPUs on one node", () => {
  const w = world(2, 4);
  expect(w.job(w.submit({ gpuCount: 5 })).phase).toBe("queued");
  expect(w.job(w.submit({ gpuCount: 4 })).phase).toBe("starting");
});

test("gpus_per_node spreads a gang exactly", () => {
  const w = world(3, 8);
  const id = w.submit({ gpuCount: 6, gang: true, gpusPerNode: 2 });
  expect(w.job(id).allocations.map((a) => [a.node, a.devices.length])).toEqual([
    ["node-1", 2],
    ["node-2", 2],
    ["node-3", 2],
  ]);
});

test("ids are unique and sort by creation even when the clock goes back", () => {
  const w = world();
  const first = w.submit();
  w.now -= 3_600_000;
  const second = w.submit();
  expect(second > first).toBe(true);
  expect(first).toMatch(/^job-\d{19}$/);
});

test("a refused input changes nothing", () => {
  const w = world();
  const before = JSON.stringify([...w.state.jobs]);
  expect(w.trySubmit({ tenantId: "tenant-9" as never })).toBeInstanceOf(RequestError);
  expect(JSON.stringify([...w.state.jobs])).toBe(before);
});

test("a node that has lost a device gives out what it still has, and nothing that is held", () => {
  const w = new CoreWorld();
  w.addTenant();
  const { inventory, session = 0 } = w.addNode("node-1", { gpus: 4 });
  const [ended, holds] = [w.submit(), w.submit()];
  for (const id of [ended, holds]) w.begin(id);
  w.end(ended);
  const [held = ""] = w.job(holds).allocations[0]?.devices ?? [];
  const left = { ...inventory, devices: inventory.devices.slice(1) };
  const executor = { ready: true, message: "" };
  const node = asNodeName("node-1");
  w.apply({ kind: "node-heartbeat", session, node, sequence: 1, executor, telemetry: [], inventory: left });
  const given = w.job(w.submit({ gpuCount: 2 })).allocations[0]?.devices;
  expect(given).toEqual(left.devices.map(({ id }) => id).filter((id) => id !== held));
});

test("a gang is over when its last rank ended, though one that ended before is told of later", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus: 2 });
  w.addNode("node-2", { gpus: 2 });
  const id = w.submit({ gpuCount: 4, gang: true, gpusPerNode: 2 });
  w.beginAll(id);
  const begun = w.now;
  w.disconnect("node-1");
  w.end(id, 0, 0);
  w.advance(10_000);
  w.end(id, 0, 1);
  w.advance(5_000);
  w.hello("node-1");
  expect(w.job(id)).toMatchObject({ phase: "finished", finishedAt: begun + 10_000, spentGpuMs: 4 * 10_000 });
});
