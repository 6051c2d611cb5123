/** What the controller does about agents that say what they should not: it gives a reason, ends the stream, and stays well. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asJobId } from "../../base/ids.ts";
import { ServiceStack } from "../../base/service.ts";
import type { AgentMessage } from "../../proto/generated/gpusched/v1/AgentMessage.ts";
import { startFakeNode } from "../support/fake-node.ts";
import { RawAgent, rawHello, rawInventory } from "../support/raw-agent.ts";
import { ControllerWorld, jobSpec, scheduler } from "../support/scheduler-calls.ts";

const patience = { timeout: 30_000, interval: 10 };

let services: ServiceStack;
let world: ControllerWorld;

beforeEach(async () => {
  services = new ServiceStack();
  world = services.add(await ControllerWorld.start());
});

afterEach(() => services.close());

const agent = () => services.add(new RawAgent(world.address));
const submit = (fields = {}) => world.calls.call(scheduler.SubmitJob, { spec: jobSpec(fields) });
const getJob = (job_id: string) => world.calls.call(scheduler.GetJob, { job_id });

async function nodes() {
  return (await world.calls.call(scheduler.ListNodes, {})).nodes;
}

/** It still leads, takes in an agent that behaves, and runs a job there. */
async function expectHealthy(): Promise<void> {
  expect(await world.calls.call(scheduler.GetClusterStatus, {})).toMatchObject({ term: 1 });
  const good = agent();
  await good.join({ node_name: "healthy", agent_id: "agent-healthy", inventory: rawInventory(["gpu-h1", "gpu-h2"]) });
  const { job_id } = await submit({ gpu_count: 2, name: "probe" });
  await expect.poll(() => good.commands("launch").length, patience).toBe(1);
  await world.calls.call(scheduler.CancelJob, { job_id });
}

const key = { job_id: "job-17", attempt: 1, rank: 0 };
const hello = (given = {}): AgentMessage => ({ hello: rawHello(given) });
const inventory = (given: object) => ({ inventory: { ...rawInventory(["gpu-1"]), ...given } });
const manyDevices = rawInventory(Array.from({ length: 1_025 }, (_, index) => `gpu-${index}`));
const manyReadings = Array.from({ length: 1_025 }, (_, index) => ({ id: `gpu-${index}` }));
const manyReports = Array.from({ length: 10_001 }, (_, attempt) => ({ key: { ...key, attempt } }));
const manyLabels = Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`label-${index}`, "x"]));

describe("what a stream must not say", () => {
  test.each<[string, AgentMessage[], RegExp]>([
    ["a heartbeat before the hello", [{ heartbeat: { sequence: 1 } }], /first message must be a hello/],
    ["a report before the hello", [{ report: { key } }], /first message must be a hello/],
    ["a message of no kind before the hello", [{}], /first message must be a hello/],
    ["a second hello", [hello(), hello()], /was said already/],
    ["no node name", [hello({ node_name: "" })], /node_name/],
    ["a node name with a slash", [hello({ node_name: "../x" })], /node_name/],
    ["a node name with a newline", [hello({ node_name: "a\nb" })], /node_name/],
    ["a node name that is too long", [hello({ node_name: "x".repeat(254) })], /node_name/],
    ["no agent id", [hello({ agent_id: "" })], /agent_id/],
    ["no boot id", [hello({ boot_id: "" })], /boot_id/],
    ["no inventory", [hello({ inventory: null })], /inventory/],
    ["1,025 devices", [hello({ inventory: manyDevices })], /devices/],
    ["one device twice", [hello({ inventory: rawInventory(["gpu-1", "gpu-1"]) })], /devices/],
    ["a device without an id", [hello({ inventory: rawInventory([""]) })], /devices/],
    ["a device with negative memory", [hello(inventory({ devices: [{ id: "gpu-1", memory_mb: -1 }] }))], /memory_mb/],
    ["negative cores", [hello(inventory({ cpu_cores: -1 }))], /cpu_cores/],
    ["negative memory", [hello(inventory({ memory_mb: -1 }))], /memory_mb/],
    ["an executor that is unknown", [hello(inventory({ executor: "magic" }))], /executor/],
    ["257 labels", [hello(inventory({ labels: manyLabels }))], /labels/],
    ["10,001 allocations", [hello({ allocations: manyReports })], /allocations/],
    ["an allocation without a key", [hello({ allocations: [{}] })], /key/],
    ["an allocation of no job", [hello({ allocations: [{ key: { ...key, job_id: "../x" } }] })], /job_id/],
    ["a report without a key", [hello(), { report: {} }], /key/],
    ["a report of a negative attempt", [hello(), { report: { key: { ...key, attempt: -1 } } }], /key/],
    ["a report of a negative rank", [hello(), { report: { key: { ...key, rank: -1 } } }], /key/],
    ["one device twice in a heartbeat", [hello(), { heartbeat: { inventory: rawInventory(["g", "g"]) } }], /devices/],
    ["1,025 devices in a heartbeat", [hello(), { heartbeat: { inventory: manyDevices } }], /devices/],
    ["1,025 readings in a heartbeat", [hello(), { heartbeat: { telemetry: manyReadings } }], /telemetry/],
  ])("%s", async (_, messages, reason) => {
    const bad = agent();
    for (const message of messages) bad.send(message);
    const rejection = await bad.rejection();
    expect(rejection.reason).toMatch(reason);
    expect(rejection.permanent).toBe(false);
    await expectHealthy();
  });
});

test("an agent of another cluster is refused for good, and nothing of it is stopped or forgotten", async () => {
  const other = agent();
  other.send(hello({ cluster_id: "cluster-other", allocations: [{ key, phase: "ALLOCATION_PHASE_RUNNING" }] }));
  expect(await other.rejection()).toMatchObject({
    permanent: true,
    reason: expect.stringMatching(/cluster-other.*nothing was stopped/),
  });
  expect(other.received).toHaveLength(1);
  expect(await nodes()).toEqual([]);
});

test("an agent that has obeyed a later term is refused until this controller is later", async () => {
  const later = agent();
  later.send(hello({ highest_term: 2, allocations: [{ key, phase: "ALLOCATION_PHASE_RUNNING" }] }));
  expect(await later.rejection()).toMatchObject({
    permanent: false,
    reason: expect.stringMatching(/term 2.*nothing was stopped/),
  });
  expect(later.received).toHaveLength(1);
  expect(await nodes()).toEqual([]);
});

test.each([
  ["term", { highest_term: 2 }],
  ["revision", { highest_term: 1, highest_revision: 1_000 }],
])(
  "an agent of this cluster that remembers a later %s ends the term, and nothing is stopped",
  async (_, remembered) => {
    const first = agent();
    await first.join({ node_name: "first", agent_id: "agent-first" });
    const cluster_id = first.received.find(({ welcome }) => welcome)?.welcome?.cluster_id ?? "";
    const later = agent();
    const node = { node_name: "later", agent_id: "agent-later" };
    later.send(
      hello({ ...node, cluster_id, ...remembered, allocations: [{ key, phase: "ALLOCATION_PHASE_RUNNING" }] }),
    );
    expect(await world.controller.ended).toMatchObject({ code: "regressed" });
    expect(await later.rejection()).toMatchObject({ reason: expect.stringMatching(/--accept-state-loss \d+:\d+$/) });
    expect(later.received).toHaveLength(1);
    expect(first.commands("stop")).toEqual([]);
  },
);

test("a whole agent that has worked for another cluster leaves its jobs alone", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "gpusched-agent-"));
  services.add({ close: () => rm(dataDir, { recursive: true }) });
  const other = services.add(await ControllerWorld.start());
  const node = services.add(await startFakeNode({ controllers: [other.address], dataDir }));
  await expect.poll(() => node.journal.memory.clusterId, patience).not.toBe("");
  await node.close();
  const state = { phase: "running", startedAtMs: 1_000, stopping: false } as const;
  const found = [
    {
      key: { jobId: asJobId("job-17"), attempt: 1, rank: 0 },
      deviceIds: [],
      graceMs: 0,
      requeueOnNodeLost: true,
      state,
    },
  ];
  const moved = services.add(await startFakeNode({ controllers: [world.address], found, dataDir }));
  await expectHealthy();
  expect((await nodes()).map(({ name }) => name)).toEqual(["healthy"]);
  expect(moved.executor.stopped).toEqual([]);
});

test("a second agent under the name of one that is connected is refused, and the first goes on", async () => {
  const first = agent();
  await first.join();
  const second = agent();
  second.send(hello({ agent_id: "agent-other" }));
  expect(await second.rejection()).toMatchObject({ permanent: true, reason: expect.stringMatching(/--node-name/) });
  const { job_id } = await submit();
  await expect
    .poll(() => first.commands("launch").map(({ launch }) => launch?.key?.job_id), patience)
    .toEqual([job_id]);
});

test("an agent that comes back on a new stream replaces its old one", async () => {
  const first = agent();
  await first.join();
  const second = agent();
  await second.join();
  const { job_id } = await submit();
  await expect.poll(() => second.commands("launch").length, patience).toBe(1);
  first.send({
    report: { key: { job_id, attempt: 1, rank: 0 }, phase: "ALLOCATION_PHASE_ENDED", cause: "END_CAUSE_NODE" },
  });
  await first.close();
  second.send({
    report: { key: { job_id, attempt: 1, rank: 0 }, phase: "ALLOCATION_PHASE_RUNNING", started_at_ms: Date.now() },
  });
  await expect.poll(async () => (await getJob(job_id)).state, patience).toBe("JOB_STATE_RUNNING");
  expect(await nodes()).toMatchObject([{ name: "raw-1", state: "NODE_STATE_ONLINE" }]);
});

describe("a node that speaks of what is not its own", () => {
  let owner: RawAgent;
  let stranger: RawAgent;
  let job_id: string;
  const strangers = ["gpu-s"];

  beforeEach(async () => {
    owner = agent();
    await owner.join();
    ({ job_id } = await submit());
    await expect.poll(() => owner.commands("launch").length, patience).toBe(1);
    owner.send({
      report: { key: { job_id, attempt: 1, rank: 0 }, phase: "ALLOCATION_PHASE_RUNNING", started_at_ms: Date.now() },
    });
    await expect.poll(async () => (await getJob(job_id)).state, patience).toBe("JOB_STATE_RUNNING");
    stranger = agent();
    await stranger.join({ node_name: "stranger", agent_id: "agent-stranger", inventory: rawInventory(strangers) });
  });

  test("cannot end another node's job, and is told to forget it", async () => {
    const exited = { phase: "ALLOCATION_PHASE_ENDED", cause: "END_CAUSE_EXITED", exit_code: 1 } as const;
    stranger.send({ report: { key: { job_id, attempt: 1, rank: 0 }, ...exited } });
    await expect.poll(() => stranger.commands("release").length, patience).toBe(1);
    expect(await getJob(job_id)).toMatchObject({ state: "JOB_STATE_RUNNING", attempt: 1 });
    expect(owner.commands("stop")).toEqual([]);
  });

  test("cannot run another node's job, and is told to stop it; its device is not given out meanwhile", async () => {
    const copy = {
      key: { job_id, attempt: 1, rank: 0 },
      gpu_ids: strangers,
      phase: "ALLOCATION_PHASE_RUNNING",
    } as const;
    stranger.send({ report: copy });
    await expect.poll(() => stranger.commands("stop").length, patience).toBe(1);
    const next = await submit({ gpu_count: 1, node_selector: {} });
    await expect.poll(() => owner.commands("launch").length, patience).toBe(2);
    const waiting = await submit();
    expect(await getJob(waiting.job_id)).toMatchObject({ phase: "JOB_PHASE_QUEUED" });
    stranger.send({ report: { ...copy, phase: "ALLOCATION_PHASE_ENDED", cause: "END_CAUSE_EXITED", exit_code: 143 } });
    await expect
      .poll(() => stranger.commands("launch").map(({ launch }) => launch?.key?.job_id), patience)
      .toEqual([waiting.job_id]);
    expect(await getJob(next.job_id)).toMatchObject({ allocations: [{ node_name: "raw-1" }] });
  });

  test("is not told to stop a job that nobody here knows, and keeps its device", async () => {
    const unknown = { key, gpu_ids: strangers, phase: "ALLOCATION_PHASE_RUNNING" } as const;
    stranger.send({ report: unknown });
    await expect
      .poll(async () => (await world.calls.call(scheduler.GetClusterStatus, {})).available_gpus, patience)
      .toBe(1);
    expect(stranger.commands("stop")).toEqual([]);
  });

  test("of an attempt that is over is told to stop it", async () => {
    owner.send({
      report: {
        key: { job_id, attempt: 1, rank: 0 },
        phase: "ALLOCATION_PHASE_ENDED",
        cause: "END_CAUSE_EXITED",
        exit_code: 0,
      },
    });
    await expect.poll(async () => (await getJob(job_id)).state, patience).toBe("JOB_STATE_COMPLETED");
    owner.send({
      report: { key: { job_id, attempt: 1, rank: 0 }, gpu_ids: ["gpu-1"], phase: "ALLOCATION_PHASE_RUNNING" },
    });
    await expect.poll(() => owner.commands("stop").length, patience).toBe(1);
    expect(await getJob(job_id)).toMatchObject({ state: "JOB_STATE_COMPLETED", exit_code: 0 });
  });
});

test("a job that is stopped before it has started is not said to have started", async () => {
  const node = agent();
  await node.join();
  const { job_id } = await submit();
  await expect.poll(() => node.commands("launch").length, patience).toBe(1);
  await world.calls.call(scheduler.CancelJob, { job_id });
  const own = { key: { job_id, attempt: 1, rank: 0 } };
  node.send({ report: { ...own, phase: "ALLOCATION_PHASE_STOPPING", message: "pulling image: 3%" } });
  node.send({
    report: { ...own, phase: "ALLOCATION_PHASE_ENDED", cause: "END_CAUSE_NODE", message: "stopped before it started" },
  });
  await expect.poll(async () => (await getJob(job_id)).phase, patience).toBe("JOB_PHASE_FINISHED");
  const job = await getJob(job_id);
  expect(job).toMatchObject({ state: "JOB_STATE_CANCELLED" });
  expect(job.started_at_ms).toBeUndefined();
});

test("a launch that the node refuses at once is tried again after a while, not at once", async () => {
  const node = agent();
  await node.join();
  const { job_id } = await submit();
  await expect.poll(() => node.commands("launch").length, patience).toBe(1);
  const end = { phase: "ALLOCATION_PHASE_ENDED", cause: "END_CAUSE_NODE", message: "device gpu-1 is busy" } as const;
  node.send({ report: { key: { job_id, attempt: 1, rank: 0 }, ...end } });
  await expect.poll(async () => (await getJob(job_id)).phase, patience).toBe("JOB_PHASE_HELD");
  const { history, submitted_at_ms } = await getJob(job_id);
  const requeued = history.at(-1);
  expect(requeued).toMatchObject({ kind: "requeued" });
  expect(requeued?.at_ms).toBeGreaterThan(submitted_at_ms);
});
