import { afterEach, expect, test } from "vitest";
import { asJobId } from "../base/ids.ts";
import { silentLogger } from "../base/logger.ts";
import { ServiceStack } from "../base/service.ts";
import { Doctor } from "./doctor/doctor.ts";
import { FakeController } from "../test/support/fake-controller.ts";
import { type FakeNode, type FakeNodeOptions, startFakeNode } from "../test/support/fake-node.ts";

const WELCOME = { cluster_id: "cluster-1", term: 3, lease_ms: 300_000 };
const KEY = { jobId: asJobId("job-17"), attempt: 1, rank: 0 };
const PROTO_KEY = { job_id: "job-17", attempt: 1, rank: 0 };
const LAUNCH = { key: PROTO_KEY, tenant_id: "tenant-1", gpu_ids: ["gpu-1"], grace_ms: 1_000, environment: { A: "b" } };
const running = { phase: "running", startedAtMs: 1_000, stopping: false } as const;
const exited = {
  phase: "ended",
  startedAtMs: 1_000,
  endedAtMs: 2_000,
  end: { kind: "exited", exitCode: 137, signal: 9, outOfMemory: true, message: "out of memory" },
} as const;

let services = new ServiceStack();
afterEach(async () => {
  await services.close();
  services = new ServiceStack();
});

const patience = { timeout: 10_000, interval: 5 };

async function startController(welcome: Parameters<typeof FakeController.start>[0] = WELCOME): Promise<FakeController> {
  return services.add(await FakeController.start(welcome));
}

async function startNode(controller: FakeController, options: Partial<FakeNodeOptions> = {}): Promise<FakeNode> {
  return services.add(await startFakeNode({ controllers: [controller.address], ...options }));
}

async function connected(
  options: Partial<FakeNodeOptions> = {},
): Promise<{ controller: FakeController; node: FakeNode }> {
  const controller = await startController();
  const node = await startNode(controller, options);
  await expect.poll(() => controller.session?.heartbeats.length, patience).toBeGreaterThan(0);
  return { controller, node };
}

test("Hello and heartbeats carry what was found about the host, and unsafe versions keep jobs away where that is asked for", async () => {
  const unsafe = { check: "runc-version", severity: "error", message: "runc is old", cure: "a newer one" } as const;
  const examine = () => Promise.resolve([unsafe]);
  const doctor = services.add(new Doctor({ requireSafeVersions: true, examine, log: silentLogger }));
  const { controller } = await connected({ doctor });
  expect(controller.session?.hello?.inventory?.findings).toEqual([unsafe]);
  expect(controller.session?.heartbeats[0]?.executor).toEqual({
    ready: false,
    message: "runc is old (--require-safe-versions)",
  });
});

test("Hello tells who the node is, what it has and every allocation it knows", async () => {
  const found = { key: KEY, deviceIds: [], graceMs: 1_000, requeueOnNodeLost: true, state: exited };
  const { controller, node } = await connected({ found: [found] });
  expect(controller.session?.hello).toMatchObject({
    node_name: "node-1",
    agent_id: node.journal.agentId,
    boot_id: "boot-1",
    cluster_id: "",
    highest_term: 0,
    executor: { ready: true },
    inventory: { devices: [{ id: "gpu-1" }, { id: "gpu-2" }], labels: { zone: "a" }, device_source: "simulated" },
    allocations: [
      {
        key: PROTO_KEY,
        phase: "ALLOCATION_PHASE_ENDED",
        cause: "END_CAUSE_EXITED",
        exit_code: 137,
        signal: 9,
        out_of_memory: true,
        started_at_ms: 1_000,
        ended_at_ms: 2_000,
      },
    ],
  });
});

test("a launch reaches the executor with the complete environment, and every change is reported in order", async () => {
  const { controller, node } = await connected();
  controller.session?.command(3, { launch: LAUNCH });
  await expect.poll(() => node.executor.launched, patience).toHaveLength(1);
  expect(node.executor.launched[0]).toMatchObject({
    key: KEY,
    deviceIds: ["gpu-1"],
    image: undefined,
    environment: { A: "b", GPUSCHED_JOB_ID: "job-17", CUDA_VISIBLE_DEVICES: "gpu-1", GPUSCHED_NODE_NAME: "node-1" },
  });
  await expect.poll(() => controller.session?.reports.length, patience).toBe(1);
  node.executor.change(KEY, running);
  node.executor.change(KEY, exited);
  await expect
    .poll(() => controller.session?.reports.map((report) => report.phase), patience)
    .toEqual(["ALLOCATION_PHASE_STARTING", "ALLOCATION_PHASE_RUNNING", "ALLOCATION_PHASE_ENDED"]);
});

test("stop and release reach the executor; a stop of what is not known is answered", async () => {
  const { controller, node } = await connected();
  controller.session?.command(3, { launch: LAUNCH });
  controller.session?.command(3, { stop: { key: PROTO_KEY, grace_ms: 700, reason: "cancelled" } });
  controller.session?.command(3, { stop: { key: { ...PROTO_KEY, rank: 5 }, grace_ms: 1, reason: "" } });
  await expect
    .poll(() => controller.session?.reports.at(-1), patience)
    .toMatchObject({
      key: { rank: 5 },
      phase: "ALLOCATION_PHASE_ENDED",
      cause: "END_CAUSE_NODE",
    });
  expect(node.executor.stopped).toEqual([{ key: KEY, graceMs: 700, reason: "cancelled" }]);
  node.executor.change(KEY, exited);
  controller.session?.command(3, { release: { key: PROTO_KEY } });
  await expect.poll(() => node.executor.released, patience).toEqual([KEY]);
});

test("a higher term is on disk before its command is obeyed, and lower ones are refused even after a restart", async () => {
  const { controller, node } = await connected();
  const seen: number[] = [];
  node.executor.launch = () => void seen.push(node.journal.memory.highestTerm);
  controller.session?.command(8, { launch: LAUNCH });
  await expect.poll(() => seen, patience).toEqual([8]);
  controller.session?.command(7, { stop: { key: PROTO_KEY, grace_ms: 0, reason: "stale" } });
  controller.session?.end();
  // The Welcome of term 3 is refused from now on: no heartbeat comes on any new stream.
  await expect.poll(() => controller.sessions.length, patience).toBeGreaterThan(3);
  expect(controller.sessions.slice(1).flatMap((session) => session.heartbeats)).toEqual([]);
  expect(controller.session?.hello?.highest_term).toBe(8);
  expect(node.executor.stopped).toEqual([]);
});

test("a command that names no proper allocation is ignored", async () => {
  const { controller, node } = await connected();
  for (const job_id of ["../../etc", "", "job-", "job-1/2"]) {
    controller.session?.command(3, { launch: { ...LAUNCH, key: { ...PROTO_KEY, job_id } } });
  }
  controller.session?.command(3, {});
  controller.session?.command(3, { launch: LAUNCH });
  await expect.poll(() => node.executor.launched.map((spec) => spec.key), patience).toEqual([KEY]);
});

test("a launch that the executor throws at ends as the node's failure", async () => {
  const { controller, node } = await connected();
  node.executor.launch = () => {
    throw new Error("no space left");
  };
  controller.session?.command(3, { launch: LAUNCH });
  await expect
    .poll(() => controller.session?.reports.at(-1), patience)
    .toMatchObject({
      cause: "END_CAUSE_NODE",
      message: "the node could not start it: no space left",
    });
});

/** An agent with one launched job on its second stream, whose Hello has not been answered yet. */
async function waitingForWelcome() {
  const { controller, node } = await connected();
  controller.session?.command(3, { launch: LAUNCH });
  await expect.poll(() => controller.session?.reports.length, patience).toBe(1);
  const welcome = controller.onHello;
  controller.onHello = undefined;
  controller.session?.end();
  await expect.poll(() => controller.sessions[1]?.hello?.allocations.length, patience).toBe(1);
  return { controller, node, welcome, second: controller.sessions[1] ?? expect.unreachable() };
}

test("while no leader answers, only the newest state of an allocation is kept for it", async () => {
  const { node, welcome, second } = await waitingForWelcome();
  for (let count = 0; count < 500; count += 1) node.executor.change(KEY, { phase: "starting", message: `${count}` });
  node.executor.change(KEY, running);
  welcome?.(second);
  await expect.poll(() => second.heartbeats.length, patience).toBeGreaterThan(3);
  expect(second.reports).toMatchObject([{ phase: "ALLOCATION_PHASE_RUNNING" }]);
});

test("what a Hello tells is not reported again", async () => {
  const { controller, node, welcome, second } = await waitingForWelcome();
  node.executor.change(KEY, running);
  controller.onHello = welcome;
  second.end();
  await expect.poll(() => controller.sessions[2]?.heartbeats.length, patience).toBeGreaterThan(3);
  expect(controller.session?.hello?.allocations).toMatchObject([{ phase: "ALLOCATION_PHASE_RUNNING" }]);
  expect(controller.session?.reports).toEqual([]);
});

test("three heartbeats without acknowledgement end the stream, and the agent connects again", async () => {
  const { controller } = await connected();
  controller.acknowledges = false;
  await expect.poll(() => controller.sessions.length, patience).toBeGreaterThan(1);
  controller.acknowledges = true;
  await expect.poll(() => controller.session?.heartbeats.length, patience).toBeGreaterThan(5);
});

test("without a Welcome the agent gives up and tries the next controller", async () => {
  const silent = await startController(undefined);
  silent.onHello = () => {};
  const leader = await startController();
  await startNode(silent, { controllers: [silent.address, leader.address], timing: { welcomeMs: 100 } });
  await expect.poll(() => leader.session?.heartbeats.length, patience).toBeGreaterThan(0);
});

test("a follower's hint is followed at once, to an address that was not given too", async () => {
  const leader = await startController();
  const follower = await startController();
  follower.onHello = (session) => session.end(leader.address);
  await startNode(follower, { timing: { backoffBaseMs: 600_000, backoffMaxMs: 600_000 } });
  await expect.poll(() => leader.session?.heartbeats.length, patience).toBeGreaterThan(0);
  expect(follower.sessions).toHaveLength(1);
});

test("two followers that point at each other are not asked without pause", async () => {
  const [one, two] = [await startController(), await startController()];
  one.onHello = (session) => session.end(two.address);
  two.onHello = (session) => session.end(one.address);
  await startNode(one, { timing: { backoffBaseMs: 600_000, backoffMaxMs: 600_000 } });
  await expect.poll(() => one.sessions.length + two.sessions.length, patience).toBe(4);
});

test("a permanent rejection is not retried soon, but it is retried", async () => {
  const controller = await startController();
  const welcome = controller.onHello;
  controller.onHello = (session) => {
    session.send({ rejection: { reason: "another host has this name", permanent: true } });
    session.end();
    controller.onHello = welcome;
  };
  await startNode(controller, { timing: { rejectedRetryMs: 100, backoffBaseMs: 600_000, backoffMaxMs: 600_000 } });
  await expect.poll(() => controller.session?.heartbeats.length, patience).toBeGreaterThan(0);
  expect(controller.sessions).toHaveLength(2);
});

test("a controller that appears after the agent is found", async () => {
  const placeholder = await startController();
  const node = await startNode(placeholder, { controllers: ["127.0.0.1:1", placeholder.address] });
  await expect.poll(() => placeholder.session?.heartbeats.length, patience).toBeGreaterThan(0);
  await expect
    .poll(() => node.journal.memory, patience)
    .toMatchObject({ clusterId: "cluster-1", highestTerm: 3, leaseMs: 300_000 });
});

test("a leader of another cluster is refused", async () => {
  const { controller } = await connected();
  controller.onHello = (session) => session.send({ welcome: { ...WELCOME, cluster_id: "cluster-2", term: 9 } });
  controller.session?.end();
  await expect.poll(() => controller.sessions.length, patience).toBeGreaterThan(2);
  expect(controller.sessions.slice(1).flatMap((session) => session.heartbeats)).toEqual([]);
  expect(controller.session?.hello?.cluster_id).toBe("cluster-1");
});

test("heartbeats go on while driver and executor hang, with the last that was known", async () => {
  const { controller, node } = await connected();
  await expect.poll(() => controller.session?.heartbeats.at(-1)?.telemetry.length, patience).toBe(2);
  node.devices.readNow = () => new Promise(() => {});
  node.executor.healthNow = () => new Promise(() => {});
  const before = controller.session?.heartbeats.length ?? 0;
  await expect.poll(() => controller.session?.heartbeats.length, patience).toBeGreaterThan(before + 10);
  expect(controller.session?.heartbeats.at(-1)?.telemetry).toMatchObject([
    { id: "gpu-1", utilization_percent: 50 },
    { id: "gpu-2" },
  ]);
  expect(controller.sessions).toHaveLength(1);
});

test("an executor that does not answer is told as not ready, with the reason", async () => {
  const { controller, node } = await connected();
  node.executor.healthNow = async () => ({ ready: false, message: "Docker Engine does not answer" });
  await expect
    .poll(() => controller.session?.heartbeats.at(-1)?.executor, patience)
    .toMatchObject({
      ready: false,
      message: "Docker Engine does not answer",
    });
});

test("the inventory is not repeated while it is no news", async () => {
  const { controller } = await connected();
  await expect.poll(() => controller.session?.heartbeats.length, patience).toBeGreaterThan(5);
  expect(controller.session?.heartbeats.filter((heartbeat) => heartbeat.inventory)).toEqual([]);
});

test("closing ends the stream and leaves every job as it is", async () => {
  const { controller, node } = await connected();
  controller.session?.command(3, { launch: LAUNCH });
  await expect.poll(() => node.executor.launched, patience).toHaveLength(1);
  await node.close();
  await expect.poll(() => controller.session?.ended, patience).toBe(true);
  expect(node.executor.stopped).toEqual([]);
  expect(controller.sessions).toHaveLength(1);
});

test("while the executor cannot tell what it has, nothing is said to a leader; once it can, everything is", async () => {
  const controller = await startController();
  const found = { key: KEY, deviceIds: [], graceMs: 1_000, requeueOnNodeLost: true, state: exited };
  const node = await startNode(controller, {
    found: [found],
    prepare: ({ executor }) => {
      executor.recoverFailures = 2;
    },
  });
  expect(controller.sessions).toHaveLength(0);
  await expect.poll(() => controller.session?.hello?.allocations, patience).toMatchObject([{ key: PROTO_KEY }]);
  expect(node.executor.recoverFailures).toBeLessThan(0);
});

test("a node works once it knows what runs on it, and then tells how it is", async () => {
  const controller = await startController();
  const { node, executor } = await startNode(controller, {
    prepare: (parts) => {
      parts.executor.recoverFailures = 1;
    },
  });
  expect(executor.recoverFailures).toBe(0);
  await node.working;
  expect(executor.recoverFailures).toBe(-1);
  await expect.poll(() => node.pulse().leader, patience).toBe(controller.address);
  expect(node.pulse()).toMatchObject({ devices: 2, allocations: 0 });
});

test("a node that is closed while it cannot recover ends at once", async () => {
  const node = await startNode(await startController(), {
    prepare: ({ executor }) => {
      executor.recoverFailures = Number.POSITIVE_INFINITY;
    },
  });
  await node.close();
  expect(node.executor.launched).toEqual([]);
});
