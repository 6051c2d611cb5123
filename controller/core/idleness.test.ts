import { expect, test } from "vitest";
import { asTenantId, type JobId } from "../../base/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../../base/time.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import { messageFor } from "../rpc/message.ts";
import type { TenantFields } from "./input.ts";

/** A tenant whose jobs' devices are to be used by a tenth, and two nodes of four devices that do nothing. */
function world(options: Partial<TenantFields> = {}): CoreWorld {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { minGpuUtilization: 10, ...options });
  for (const name of ["node-1", "node-2"]) {
    w.addNode(name, { gpus: 4, allowsSharing: true });
    read(w, name, [0, 0, 0, 0]);
  }
  return w;
}

/** From now on these are the readings of the node's devices, in percent; none where the driver tells none. */
function read(w: CoreWorld, name: string, percents: readonly (number | undefined)[]): void {
  const { utilization } = w.node(name);
  utilization.clear();
  for (const [index, percent] of percents.entries()) {
    if (percent !== undefined) utilization.set(`${name}-gpu-${index}`, percent);
  }
}

/** Its first reading, at once: from here on time counts. */
function begin(w: CoreWorld, id: JobId): void {
  w.beginAll(id);
  for (const name of w.nodes.keys()) w.heartbeat(name);
}

function update(
  w: CoreWorld,
  change: { minGpuUtilization?: number | null; gpuIdleWindowMinutes?: number | null },
): void {
  w.apply({ kind: "update-tenant", tenantId: asTenantId("tenant-1"), change: { limits: {}, ...change } });
}

const idleEvents = (w: CoreWorld, id: JobId) =>
  w.job(id).history.flatMap(({ at, kind, message }) => (kind === "gpu-idle" ? [{ at, message }] : []));

test("a job that does not use a device is told at half of the time, and stopped at the end for good", () => {
  const w = world();
  const id = w.submit({ maxRetries: 3, graceSeconds: 7 });
  begin(w, id);
  const device = w.job(id).allocations[0]?.devices[0];
  const from = w.now;
  w.advanceHeard(30 * MINUTE_MS - 5 * SECOND_MS);
  expect([w.job(id).phase, messageFor(w.state, w.job(id), w.now)]).toEqual(["running", ""]);
  w.advanceHeard(5 * SECOND_MS);
  const message = `GPU ${device} below 10 % for 30 minutes: the job is stopped at 60`;
  expect(idleEvents(w, id)).toEqual([{ at: from + 30 * MINUTE_MS, message }]);
  w.advanceHeard(12 * MINUTE_MS + 30 * SECOND_MS);
  expect(messageFor(w.state, w.job(id), w.now)).toBe(message.replace("for 30", "for 42.5"));
  w.advanceHeard(17 * MINUTE_MS + 25 * SECOND_MS);
  expect(w.job(id).phase).toBe("running");

  w.advanceHeard(5 * SECOND_MS);
  const why = `stopped: GPU ${device} was below 10 % for 60 minutes`;
  expect(w.job(id)).toMatchObject({ phase: "stopping", graceMs: 7_000, verdict: { kind: "failed", message: why } });
  expect(w.effects.at(-1)).toMatchObject({ kind: "stop", graceMs: 7_000, reason: why });
  expect(idleEvents(w, id)).toHaveLength(1);
  w.stopped(id);
  const idle = { node: "node-1", device, minimum: 10, idleMs: 60 * MINUTE_MS };
  expect(w.job(id)).toMatchObject({ phase: "finished", retries: 0, outcome: { kind: "failed", message: why, idle } });
});

test("it takes one idle device of a job that is busy on all others, however busy that one has been", () => {
  const w = world({ gpuIdleWindowMinutes: 10 });
  const id = w.submit({ gpuCount: 4 });
  read(w, "node-1", [100, 100, 100, 100]);
  begin(w, id);
  w.advanceHeard(50 * MINUTE_MS);
  read(w, "node-1", [10, 99, 9, 100]);
  w.heartbeat("node-1");
  w.advanceHeard(10 * MINUTE_MS - 5 * SECOND_MS);
  expect(w.job(id).phase).toBe("running");
  w.advanceHeard(5 * SECOND_MS);
  expect(w.job(id)).toMatchObject({ phase: "stopping", verdict: { idle: { device: "node-1-gpu-2" } } });
});

test("one reading at the minimum begins the time anew, and the warning with it", () => {
  const w = world({ gpuIdleWindowMinutes: 10 });
  const id = w.submit();
  begin(w, id);
  for (let round = 1; round <= 3; round += 1) {
    w.advanceHeard(9 * MINUTE_MS);
    expect(idleEvents(w, id)).toHaveLength(round);
    read(w, "node-1", [10]);
    w.heartbeat("node-1");
    expect(messageFor(w.state, w.job(id), w.now)).toBe("");
    read(w, "node-1", [9]);
    w.heartbeat("node-1");
  }
  w.advanceHeard(10 * MINUTE_MS);
  expect(w.job(id).phase).toBe("stopping");
});

test("time without a reading, and a silence, do not count: neither for the job nor against it", () => {
  const w = world({ gpuIdleWindowMinutes: 10 });
  const id = w.submit({ onNodeLost: "wait" });
  begin(w, id);
  w.advanceHeard(6 * MINUTE_MS);
  read(w, "node-1", []);
  w.advanceHeard(60 * MINUTE_MS);
  // Not even by a shorter window.
  update(w, { gpuIdleWindowMinutes: 5 });
  w.advanceHeard(10 * SECOND_MS);
  expect([w.job(id).phase, messageFor(w.state, w.job(id), w.now)]).toEqual(["running", ""]);
  update(w, { gpuIdleWindowMinutes: 10 });
  w.disconnect("node-1");
  w.advance(60 * MINUTE_MS);
  expect(w.job(id)).toMatchObject({ phase: "running" });
  read(w, "node-1", [0]);
  w.hello("node-1");
  w.heartbeat("node-1");
  w.advanceHeard(4 * MINUTE_MS - 5 * SECOND_MS);
  expect(w.job(id)).toMatchObject({ phase: "running" });
  w.advanceHeard(5 * SECOND_MS);
  expect(w.job(id)).toMatchObject({ phase: "stopping" });
  expect(idleEvents(w, id)).toHaveLength(1);
});

test("nobody is judged without a minimum, for a share of a device, before the job runs, or where the driver tells nothing", () => {
  const w = world({ gpuIdleWindowMinutes: 5 });
  w.addTenant("tenant-2");
  w.addTenant("tenant-3", { minGpuUtilization: 0, gpuIdleWindowMinutes: 5 });
  const free = ["tenant-2", "tenant-3"].map((tenant) => w.submit({ tenantId: asTenantId(tenant) }));
  const share = w.submit({ gpuMilli: 500 });
  const noGpu = w.submit({ gpuCount: 0 });
  for (const id of [...free, share, noGpu]) begin(w, id);
  const starting = w.submit();
  read(w, "node-2", []);
  const slices = w.submit({ gpuCount: 4 });
  begin(w, slices);
  w.advanceHeard(30 * MINUTE_MS);
  expect([...free, share, noGpu, slices].map((id) => w.job(id).phase)).toEqual(Array(5).fill("running"));
  expect(w.job(slices).allocations[0]?.node).toBe("node-2");
  begin(w, starting);
  w.advanceHeard(5 * MINUTE_MS - 5 * SECOND_MS);
  expect(w.job(starting).phase).toBe("running");
  w.advanceHeard(5 * SECOND_MS);
  expect(w.job(starting).phase).toBe("stopping");
});

test("another attempt and a new leader begin the time anew", () => {
  const w = world({ gpuIdleWindowMinutes: 10 });
  const id = w.submit();
  begin(w, id);
  w.advanceHeard(9 * MINUTE_MS);
  const { devices } = w.job(id).allocations[0] ?? {};
  w.endAs(id, { kind: "node", message: "the node lost it" });
  begin(w, id);
  expect(w.job(id)).toMatchObject({ attempt: 2, phase: "running", allocations: [{ devices }] });
  w.advanceHeard(9 * MINUTE_MS);
  w.restart();
  for (const name of w.nodes.keys()) {
    w.hello(name);
    w.heartbeat(name);
  }
  w.advanceHeard(10 * MINUTE_MS - 5 * SECOND_MS);
  expect(w.job(id)).toMatchObject({ phase: "running" });
  w.advanceHeard(5 * SECOND_MS);
  expect(w.job(id)).toMatchObject({ phase: "stopping" });
});

test("a policy that changes counts with the next reading: another window at once, another minimum from then on", () => {
  const w = world({ gpuIdleWindowMinutes: 60 });
  const id = w.submit();
  const other = w.submit();
  begin(w, id);
  begin(w, other);
  w.advanceHeard(40 * MINUTE_MS);
  // Neither a policy that is gone before anybody looks nor a longer window ends a job.
  update(w, { gpuIdleWindowMinutes: 20 });
  update(w, { gpuIdleWindowMinutes: 100 });
  w.advanceHeard(5 * SECOND_MS);
  update(w, { minGpuUtilization: 0 });
  w.advanceHeard(5 * SECOND_MS);
  update(w, { minGpuUtilization: 20, gpuIdleWindowMinutes: null });
  w.advanceHeard(40 * MINUTE_MS);
  expect(w.job(id).phase).toBe("running");
  update(w, { minGpuUtilization: null });
  w.advanceHeard(40 * MINUTE_MS);
  expect([w.job(id).phase, messageFor(w.state, w.job(id), w.now)]).toEqual(["running", ""]);
  update(w, { minGpuUtilization: 5 });
  w.advanceHeard(20 * MINUTE_MS);
  update(w, { gpuIdleWindowMinutes: 10 });
  w.advanceHeard(5 * SECOND_MS);
  expect([id, other].map((one) => w.job(one).phase)).toEqual(["stopping", "stopping"]);
});

test("a window that is short for a moment, between two readings, does not keep a job from being stopped later", () => {
  const w = world({ gpuIdleWindowMinutes: 10 });
  const id = w.submit();
  begin(w, id);
  w.advanceHeard(10 * MINUTE_MS - 5 * SECOND_MS);
  w.now += 5 * SECOND_MS;
  w.heartbeat("node-1");
  update(w, { gpuIdleWindowMinutes: 60 });
  w.apply({ kind: "tick" });
  update(w, { gpuIdleWindowMinutes: 10 });
  expect(w.job(id).phase).toBe("running");
  w.advanceHeard(5 * SECOND_MS);
  expect(w.job(id).phase).toBe("stopping");
});

test("a gang is stopped for a device of any rank that still runs, and told of all of them once", () => {
  const w = world({ gpuIdleWindowMinutes: 10 });
  const id = w.submit({ gpuCount: 8, gang: true, gpusPerNode: 4 });
  begin(w, id);
  read(w, "node-2", [50, 50, 50, 50]);
  w.advanceHeard(MINUTE_MS);
  read(w, "node-2", [0, 0, 0, 0]);
  w.advanceHeard(7 * MINUTE_MS);
  expect(idleEvents(w, id)).toEqual([
    {
      at: expect.any(Number),
      message: "GPU node-1-gpu-0 of node-1 below 10 % for 5 minutes: the job is stopped at 10",
    },
  ]);
  const first = w.job(id).allocations.findIndex(({ node }) => node === "node-1");
  w.end(id, 0, first);
  expect(messageFor(w.state, w.job(id), w.now)).toMatch(/^GPU node-2-gpu-0 of node-2 below 10 % for 6\.5 minutes/);
  w.advanceHeard(2 * MINUTE_MS);
  expect(w.job(id).phase).toBe("running");
  w.advanceHeard(MINUTE_MS + 5 * SECOND_MS);
  const message = "stopped: GPU node-2-gpu-0 of node-2 was below 10 % for 10 minutes";
  expect(w.job(id)).toMatchObject({ phase: "stopping", verdict: { message } });
});
