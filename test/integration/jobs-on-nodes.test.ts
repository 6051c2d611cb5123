/** A real controller and a whole agent on a fake executor: jobs from their submission to their end, and their output. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { AllocationState, LaunchSpec, ReadLogOptions } from "../../agent/executor/executor.ts";
import { ServiceStack } from "../../base/service.ts";
import type { ControllerOptions } from "../../controller/controller.ts";
import type { Job__Output } from "../../proto/generated/gpusched/v1/Job.ts";
import { type FakeNode, type FakeNodeOptions, startFakeNode } from "../support/fake-node.ts";
import { ControllerWorld, jobSpec, refusal, scheduler } from "../support/scheduler-calls.ts";

const patience = { timeout: 30_000, interval: 10 };

let services = new ServiceStack();
afterEach(async () => {
  await services.close();
  services = new ServiceStack();
});

interface Cluster {
  readonly world: ControllerWorld;
  readonly node: FakeNode;
}

async function cluster(
  options: Partial<ControllerOptions> = {},
  node: Partial<FakeNodeOptions> = {},
): Promise<Cluster> {
  const world = services.add(await ControllerWorld.start(options));
  return { world, node: await addNode(world, node) };
}

async function addNode(world: ControllerWorld, options: Partial<FakeNodeOptions> = {}): Promise<FakeNode> {
  const node = services.add(await startFakeNode({ controllers: [world.address], ...options }));
  await expect
    .poll(async () => (await world.calls.call(scheduler.GetClusterStatus, {})).online_nodes, patience)
    .toBe(1);
  return node;
}

async function submit({ world }: Cluster, fields: Record<string, unknown> = {}): Promise<string> {
  return (await world.calls.call(scheduler.SubmitJob, { spec: jobSpec(fields) })).job_id;
}

const getJob = ({ world }: Cluster, job_id: string) => world.calls.call(scheduler.GetJob, { job_id });
const cancel = ({ world }: Cluster, job_id: string) => world.calls.call(scheduler.CancelJob, { job_id });

async function until(on: Cluster, job_id: string, what: Partial<Job__Output>): Promise<Job__Output> {
  await expect.poll(() => getJob(on, job_id), patience).toMatchObject(what);
  return await getJob(on, job_id);
}

/** What the node was told to launch of the job, once it was. */
async function launched({ node }: Cluster, jobId: string, attempt = 1): Promise<LaunchSpec> {
  const find = () => node.executor.launched.find(({ key }) => key.jobId === jobId && key.attempt === attempt);
  await expect.poll(find, patience).toBeDefined();
  return find() ?? expect.unreachable();
}

const running = (): AllocationState => ({ phase: "running", startedAtMs: Date.now(), stopping: false });
const exited = (exitCode: number, signal?: number): AllocationState => ({
  phase: "ended",
  startedAtMs: Date.now(),
  endedAtMs: Date.now(),
  end: { kind: "exited", exitCode, signal, outOfMemory: false, message: "" },
});

/** A job that runs. */
async function runningJob(
  on: Cluster,
  fields: Record<string, unknown> = {},
): Promise<{ id: string; spec: LaunchSpec }> {
  const id = await submit(on, fields);
  const spec = await launched(on, id);
  on.node.executor.change(spec.key, running());
  await until(on, id, { state: "JOB_STATE_RUNNING" });
  return { id, spec };
}

test("a job goes from the queue through its node to its end, and its devices are free again", async () => {
  const on = await cluster();
  const id = await submit(on, { gpu_count: 2, environment: { EPOCHS: "3" } });
  const spec = await launched(on, id);
  expect(spec).toMatchObject({ deviceIds: ["gpu-1", "gpu-2"], environment: { EPOCHS: "3", GPUSCHED_JOB_ID: id } });
  on.node.executor.change(spec.key, { phase: "starting", message: "pulling image: 43%" });
  await until(on, id, { state: "JOB_STATE_PENDING", phase: "JOB_PHASE_STARTING", message: "pulling image: 43%" });
  const status = () => on.world.calls.call(scheduler.GetClusterStatus, {});
  expect(await status()).toMatchObject({ total_gpus: 2, available_gpus: 0, pending_jobs: 1, running_jobs: 0 });

  on.node.executor.change(spec.key, running());
  await until(on, id, { state: "JOB_STATE_RUNNING", phase: "JOB_PHASE_RUNNING", message: "" });
  expect(await status()).toMatchObject({ pending_jobs: 0, running_jobs: 1 });
  on.node.executor.change(spec.key, exited(0));
  const job = await until(on, id, { state: "JOB_STATE_COMPLETED", exit_code: 0, message: "exit code 0" });
  expect(job.allocations).toMatchObject([{ rank: 0, node_name: "node-1", gpu_ids: ["gpu-1", "gpu-2"], exit_code: 0 }]);
  expect(job.history.map(({ kind }) => kind)).toEqual(["submitted", "placed", "started", "completed"]);
  expect(job.finished_at_ms).toBeGreaterThanOrEqual(job.started_at_ms ?? Infinity);
  await expect.poll(() => on.node.executor.released, patience).toEqual([spec.key]);
  expect(await status()).toMatchObject({ available_gpus: 2, running_jobs: 0 });
  const refused = await refusal(cancel(on, id));
  expect(refused).toMatchObject({ code: 9, message: "Job already completed", detail: "conflict" });
});

test("a job that fails tells its exit code and signal", async () => {
  const on = await cluster();
  const { id, spec } = await runningJob(on);
  on.node.executor.change(spec.key, exited(137, 9));
  await until(on, id, { state: "JOB_STATE_FAILED", exit_code: 137, signal: 9, message: "exit code 137" });
});

test("a job that is cancelled while it runs is stopped with its grace, and holds its devices until it is gone", async () => {
  const on = await cluster();
  const { id, spec } = await runningJob(on, { gpu_count: 2, preemption_grace_seconds: 7 });
  const next = await submit(on);
  expect(await cancel(on, id)).toMatchObject({ state: "JOB_STATE_CANCELLED", phase: "JOB_PHASE_STOPPING" });
  await expect.poll(() => on.node.executor.stopped, patience).toMatchObject([{ key: spec.key, graceMs: 7_000 }]);
  expect(await getJob(on, next)).toMatchObject({ phase: "JOB_PHASE_QUEUED" });
  on.node.executor.change(spec.key, exited(143, 15));
  await until(on, id, { state: "JOB_STATE_CANCELLED", phase: "JOB_PHASE_FINISHED", message: "cancelled by request" });
  await launched(on, next);
});

test("a job that runs out of tries has failed, and the output of its last try can be read while it waits", async () => {
  const on = await cluster();
  on.node.executor.output = async function* () {
    yield Buffer.from("first try\n");
  };
  const { id, spec } = await runningJob(on, { max_retries: 1 });
  on.node.executor.change(spec.key, exited(3));
  const held = await until(on, id, { state: "JOB_STATE_PENDING", phase: "JOB_PHASE_HELD", attempt: 1 });
  expect(held.message).toMatch(/^exit code 3; next attempt at \d{4}-/);
  expect(await on.world.calls.logsOf({ job_id: id })).toBe("first try\n");
  expect(on.node.executor.reads.at(-1)?.key).toEqual(spec.key);
  await cancel(on, id);
});

test("the output of a job that has not started is empty, and who follows it waits for the start", async () => {
  const on = await cluster();
  const blocker = await runningJob(on, { gpu_count: 2 });
  const id = await submit(on);
  expect(await on.world.calls.logsOf({ job_id: id })).toBe("");
  on.node.executor.output = async function* () {
    yield Buffer.from("at last\n");
  };
  const followed = on.world.calls.logsOf({ job_id: id, follow: true });
  on.node.executor.change(blocker.spec.key, exited(0));
  const { key } = await launched(on, id);
  on.node.executor.change(key, running());
  expect(await followed).toBe("at last\n");
  expect(on.node.executor.reads.at(-1)?.key).toEqual(key);
});

test("output is asked for as the reader asked, and arrives whole and in order however large it is", async () => {
  const on = await cluster();
  const { id } = await runningJob(on);
  const lines = Array.from({ length: 100_000 }, (_, index) => `line ${index}\n`);
  on.node.executor.output = async function* () {
    for (let at = 0; at < lines.length; at += 1_000) yield Buffer.from(lines.slice(at, at + 1_000).join(""));
  };
  const request = { job_id: id, tail_lines: 5, stream: "LOG_STREAM_STDERR" as const };
  expect(await on.world.calls.logsOf(request)).toBe(lines.join(""));
  expect(on.node.executor.reads).toMatchObject([{ options: { follow: false, tailLines: 5, stream: "stderr" } }]);
  const refused = await refusal(on.world.calls.logsOf({ job_id: id, rank: 1 }));
  expect(refused).toMatchObject({ code: 3, fields: ["rank"] });
});

test("a reader that leaves is told to the node; one that follows gets what comes, as it comes", async () => {
  const on = await cluster();
  const { id } = await runningJob(on);
  const reads: ReadLogOptions[] = [];
  on.node.executor.output = async function* (options) {
    reads.push(options);
    yield Buffer.from("so far\n");
    await new Promise((resolve) => options.signal.addEventListener("abort", resolve));
  };
  const stream = on.world.calls.openLogs({ job_id: id, follow: true });
  stream.on("error", () => {});
  const first = await new Promise<string>((resolve) => stream.on("data", ({ data }) => resolve(String(data))));
  expect(first).toBe("so far\n");
  expect(reads.map(({ signal }) => signal.aborted)).toEqual([false]);
  stream.cancel();
  await expect.poll(() => reads.map(({ signal }) => signal.aborted), patience).toEqual([true]);
});

test("output that the node cannot read is refused with its reason, and of a node that is away with its name", async () => {
  const on = await cluster();
  const { id, spec } = await runningJob(on);
  // oxlint-disable-next-line require-yield -- it fails before it has anything
  on.node.executor.output = async function* () {
    throw new Error("a secret path");
  };
  expect(await refusal(on.world.calls.logsOf({ job_id: id }))).toMatchObject({
    message: "the output could not be read",
  });
  await on.node.close();
  const away = () => refusal(on.world.calls.logsOf({ job_id: spec.key.jobId }));
  await expect.poll(away, patience).toMatchObject({ code: 14, message: expect.stringMatching(/node-1/) });
});

test("a node that falls silent keeps its job and gets no new one, and goes on where it was when it is back", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "gpusched-agent-"));
  services.add({ close: () => rm(dataDir, { recursive: true, force: true }) });
  const on = await cluster({ nodeUnreachableAfterMs: 300 }, { dataDir });
  const { id, spec } = await runningJob(on);
  await on.node.close();
  const presumed = "node node-1 is unreachable; the job is presumed to go on";
  await until(on, id, { state: "JOB_STATE_RUNNING", attempt: 1, message: presumed });
  const waiting = await submit(on);
  expect(await getJob(on, waiting)).toMatchObject({ phase: "JOB_PHASE_QUEUED" });
  expect((await on.world.calls.call(scheduler.ListNodes, {})).nodes).toMatchObject([
    { state: "NODE_STATE_UNREACHABLE" },
  ]);

  const { deviceIds, graceMs, requeueOnNodeLost } = spec;
  const found = [{ key: spec.key, deviceIds, graceMs, requeueOnNodeLost, state: running() }];
  const node = await addNode(on.world, { dataDir, found });
  const back = await until(on, id, { state: "JOB_STATE_RUNNING", attempt: 1, message: "" });
  expect(back.history.map(({ kind }) => kind)).toEqual([
    "submitted",
    "placed",
    "started",
    "node-unreachable",
    "node-returned",
  ]);
  expect((await launched({ world: on.world, node }, waiting)).deviceIds).not.toEqual(deviceIds);
  node.executor.change(spec.key, exited(0));
  await until(on, id, { state: "JOB_STATE_COMPLETED" });
});

test("a node that returns with its job ended meanwhile tells the true exit code", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "gpusched-agent-"));
  services.add({ close: () => rm(dataDir, { recursive: true, force: true }) });
  const on = await cluster({}, { dataDir });
  const { id, spec } = await runningJob(on);
  await on.node.close();
  const { deviceIds, graceMs, requeueOnNodeLost } = spec;
  const found = [{ key: spec.key, deviceIds, graceMs, requeueOnNodeLost, state: exited(42) }];
  services.add(await startFakeNode({ controllers: [on.world.address], dataDir, found }));
  await until(on, id, { state: "JOB_STATE_FAILED", exit_code: 42, attempt: 1 });
});

test("a controller that starts again on its directory adopts what runs", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "gpusched-controller-"));
  services.add({ close: () => rm(dataDir, { recursive: true, force: true }) });
  const before = await cluster({ dataDir });
  const { id, spec } = await runningJob(before);
  const queued = await submit(before, { gpu_count: 2 });
  await before.world.close();
  const world = services.add(await ControllerWorld.start({ dataDir, listen: before.world.address }));
  const on = { world, node: before.node };
  expect((await world.calls.call(scheduler.GetClusterStatus, {})).term).toBe(2);
  await until(on, id, { state: "JOB_STATE_RUNNING", attempt: 1, message: "" });
  expect(on.node.executor.stopped).toEqual([]);
  on.node.executor.change(spec.key, exited(0));
  await until(on, id, { state: "JOB_STATE_COMPLETED" });
  await launched(on, queued);
  expect(on.node.executor.launched).toHaveLength(2);
});
