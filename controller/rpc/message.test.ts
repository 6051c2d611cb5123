import { expect, test } from "vitest";
import { asNodeName } from "../../base/ids.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import { messageFor } from "./message.ts";

function world(nodes = 1): CoreWorld {
  const made = new CoreWorld();
  made.addTenant();
  for (let n = 1; n <= nodes; n++) made.addNode(`node-${n}`, { gpus: 4, gpuMemoryMb: 80_000, cpuCores: 8 });
  return made;
}

const messageOfJob = (w: CoreWorld, id: ReturnType<CoreWorld["submit"]>) => messageFor(w.state, w.job(id), w.now);

test("a job that waits for GPUs says how many more, and how many are free", () => {
  const w = world(2);
  w.submit({ gpuCount: 3, gpuMemoryMb: 80_000 });
  w.submit({ gpuCount: 3, gpuMemoryMb: 80_000 });
  const id = w.submit({ gpuCount: 4, gang: true, gpuMemoryMb: 80_000 });
  expect(messageOfJob(w, id)).toBe("waiting for 2 more GPUs with 80000 MB: 2 of 8 are free");
});

test("a job whose GPUs are free but scattered says what each node lacks", () => {
  const w = world(2);
  w.submit({ gpuCount: 3 });
  w.submit({ gpuCount: 3 });
  const id = w.submit({ gpuCount: 2 });
  expect(messageOfJob(w, id)).toBe("waiting for room: node-1, node-2 has 1 GPU free of the 2 needed");
});

test("a job that no node can ever run says so at once", () => {
  const w = world();
  expect(messageOfJob(w, w.submit({ gpuCount: 5 }))).toBe(
    "no node can ever run this: node-1 has 4 GPUs of the 5 needed",
  );
  expect(messageOfJob(w, w.submit({ cpuCores: 9 }))).toBe(
    "no node can ever run this: node-1 has 8 cores of the 9 needed",
  );
  expect(messageOfJob(w, w.submit({ nodeSelector: { zone: "a" } }))).toContain("does not match node_selector zone");
});

test("a job says why no node takes anything at the moment, rather than how many GPUs are free", () => {
  const w = world(2);
  for (const { name, session = 0 } of w.nodes.values()) {
    const executor = { ready: false, message: "Docker does not answer" };
    const node = asNodeName(name);
    w.apply({ kind: "node-heartbeat", session, node, sequence: 1, executor, telemetry: [] });
  }
  const why = "waiting for a node: node-1, node-2 cannot start jobs now: Docker does not answer";
  for (const gpuCount of [0, 1]) expect(messageOfJob(w, w.submit({ gpuCount }))).toBe(why);
});

test("a job held back by its tenant's quota names the quota", () => {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { limits: { gpus: 2 } });
  w.addNode("node-1");
  w.submit({ gpuCount: 2 });
  expect(messageOfJob(w, w.submit({ gpuCount: 1 }))).toBe("quota: tenant uses 2 of 2 GPUs, and the job asks for 1");
});

test("a job that needs more than all of its tenant's budget is told that only a shorter limit would help", () => {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { gpuHoursBudget: 0.25 });
  w.addNode("node-1");
  const some = "budget: 0 spent and 0 committed to running jobs of 0.25 GPU-hours, and the job may need";
  const hint = "more than all of them, unless its max_runtime_minutes is less";
  expect(messageOfJob(w, w.submit({ maxRuntimeMinutes: 18 }))).toBe(`${some} 0.3: ${hint}`);
});

test("without nodes a job waits for the first; after a failure it says what happened and when it goes on", () => {
  const empty = new CoreWorld();
  empty.addTenant();
  expect(messageOfJob(empty, empty.submit())).toBe("waiting for a node: none has joined yet");
  const w = world();
  const id = w.submit({ maxRetries: 1 });
  w.end(id, 3);
  expect(messageOfJob(w, id)).toBe("exit code 3; next attempt at 2023-11-14T22:13:30Z");
});

test("a running job on a silent node says so", () => {
  const w = world();
  const id = w.submit();
  w.begin(id);
  expect(messageOfJob(w, id)).toBe("");
  w.disconnect("node-1");
  expect(messageOfJob(w, id)).toBe("");
  w.advance(15_000);
  expect(messageOfJob(w, id)).toBe("node node-1 is unreachable; the job is presumed to go on");
  w.cancel(id);
  expect(messageOfJob(w, id)).toBe("cancelled by request; stopping on node-1: node node-1 is unreachable");
});

test("a job that starts or stops says which node that it waits for is silent, and nothing of those it is done with", () => {
  const w = world(2);
  const id = w.submit({ gpuCount: 8, gang: true });
  expect(messageOfJob(w, id)).toBe("starting on node-1, node-2");
  w.disconnect("node-2");
  expect(messageOfJob(w, id)).toBe("starting on node-1, node-2: node node-2 is not connected");
  w.advance(10_000);
  w.heartbeat("node-1");
  w.advance(5_000);
  expect(messageOfJob(w, id)).toBe("starting on node-1, node-2: node node-2 is unreachable");
  w.cancel(id);
  const stopping = "cancelled by request; stopping on node-1, node-2";
  expect(messageOfJob(w, id)).toBe(`${stopping}: node node-2 is unreachable`);
  w.hello("node-2");
  w.end(id, 143, 1);
  w.disconnect("node-2");
  w.advance(10_000);
  w.heartbeat("node-1");
  w.advance(5_000);
  expect(messageOfJob(w, id)).toBe(stopping);
});

test("a gang that is larger than the cluster is told so", () => {
  const w = world();
  const id = w.submit({ gpuCount: 4_096, gang: true });
  expect(messageOfJob(w, id)).toBe("no nodes together can ever run this: the cluster has 4 GPUs of the 4096 needed");
  w.addNode("node-2", { gpus: 4 });
  expect(messageOfJob(w, id)).toContain("the cluster has 8 GPUs of the 4096 needed");
  const large = w.submit({ gpuCount: 12, gang: true, gpuMemoryMb: 80_000 });
  w.addNode("node-3", { gpus: 8 });
  w.disconnect("node-3");
  w.advance(15_000);
  expect(messageOfJob(w, large)).not.toContain("ever");
});
