/** A whole agent on a real Docker Engine and a stub of NVIDIA's library that names real processes. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ChangeRelay } from "../../agent/change-relay.ts";
import { NvmlSource } from "../../agent/devices/nvml/nvml-source.ts";
import { Journal } from "../../agent/journal.ts";
import { runNode } from "../../agent/node.ts";
import { DEFAULT_CONTAINER_POLICY } from "../../agent/policy/container-policy.ts";
import { DEFAULT_ANSWERS } from "../../agent/truth/core/answers.ts";
import { asJobId } from "../../base/ids.ts";
import { silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import type { DeviceCondition__Output } from "../../proto/generated/gpusched/v1/DeviceCondition.ts";
import { containerNameOf, DockerExecutorWorld } from "../support/docker-executor-world.ts";
import { TEST_IMAGE } from "../support/docker-engine.ts";
import { FakeController } from "../support/fake-controller.ts";
import { StubNvml, stubGpu, type StubProcess, whyNoStubNvml } from "../support/nvml/stub-nvml.ts";

const UUIDS = [0, 1, 2].map((index) => stubGpu(index).uuid);
const HEARTBEAT_MS = 1_000;
const patience = { timeout: 15_000, interval: 50 };
/** Jobs may put a program into their container. */
const POLICY = { ...DEFAULT_CONTAINER_POLICY, readOnlyRoot: false, user: { uid: 0, gid: 0 }, root: "allowed" } as const;
const FOREVER = "while :; do sleep 1; done";

let docker: DockerExecutorWorld;
let stub: StubNvml;
let services = new ServiceStack();
let controller: FakeController;
let jobs = 0;
const children: ChildProcess[] = [];

beforeAll(async () => {
  if (whyNoStubNvml !== undefined) return;
  docker = await DockerExecutorWorld.start({});
  stub = await StubNvml.build();
  process.env["GPUSCHED_NVML_LIBRARY"] = stub.libraryPath;
});

beforeEach(async ({ skip }) => {
  skip(whyNoStubNvml !== undefined, whyNoStubNvml);
  await processesOn();
  await startNode();
});

afterEach(async () => {
  docker?.engine.resume();
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await services.close();
  services = new ServiceStack();
  const containers = (await docker?.engine.docker.listContainers({ all: true })) ?? [];
  for (const { Id } of containers) await docker.engine.docker.getContainer(Id).remove({ force: true });
});

afterAll(async () => {
  delete process.env["GPUSCHED_NVML_LIBRARY"];
  await docker?.close();
  await stub?.remove();
});

/** From now on the driver names these on the three devices. */
async function processesOn(...processes: readonly (readonly StubProcess[])[]): Promise<void> {
  const gpus = UUIDS.map((_, index) => stubGpu(index, { memoryUsedMb: 0, processes: processes[index] ?? [] }));
  await stub.install({ gpus });
}

async function startNode(): Promise<void> {
  // Another agent for each test: what one has left on the engine is foreign to the next.
  const dataDir = await mkdtemp(join(tmpdir(), "gpusched-truth-"));
  services.add({ close: () => rm(dataDir, { recursive: true, force: true }) });
  const journal = await Journal.open(dataDir);
  const changes = new ChangeRelay();
  controller = services.add(await FakeController.start({ cluster_id: "cluster-1", term: 1, lease_ms: 300_000 }));
  const devices = services.add(new NvmlSource(silentLogger));
  const executor = services.add(
    await docker.executor({
      agentId: journal.agentId,
      dataDir,
      onChange: changes.listener,
      simulated: true,
      policy: POLICY,
    }),
  );
  services.add(
    await runNode({
      nodeName: "node-1",
      address: "127.0.0.1",
      bootId: "boot-1",
      dataDir,
      controllers: [controller.address],
      labels: {},
      cpuCores: undefined,
      memoryMb: undefined,
      simulatedGpus: 0,
      allowSharing: false,
      onFinding: DEFAULT_ANSWERS,
      ignoreProcesses: ["Xorg"],
      suspectDevices: "avoid",
      journal,
      devices,
      executor,
      changes,
      log: silentLogger,
      timing: { heartbeatMs: HEARTBEAT_MS },
    }),
  );
  await expect.poll(() => controller.session?.heartbeats.length ?? 0, patience).toBeGreaterThan(0);
}

/** Runs a job with these devices; its key, and the pid of its first process. */
async function run(script: string, gpuIds: readonly string[]) {
  jobs += 1;
  const key = { jobId: asJobId(`job-${jobs}`), attempt: 1, rank: 0 };
  const protoKey = { job_id: key.jobId, attempt: 1, rank: 0 };
  const launch = {
    key: protoKey,
    image: TEST_IMAGE,
    script,
    memory_mb: 64,
    cpu_cores: 1,
    gpu_ids: [...gpuIds],
    grace_ms: 0,
  };
  controller.session?.command(1, { launch });
  await expect.poll(() => newest(key.jobId)?.phase, patience).toBe("ALLOCATION_PHASE_RUNNING");
  return { key, protoKey, pid: await pidOf(containerNameOf(key)) };
}

async function pidOf(container: string): Promise<number> {
  return (await docker.engine.docker.getContainer(container).inspect()).State.Pid;
}

function newest(jobId: string) {
  const reports = controller.sessions.flatMap((session) => [...(session.hello?.allocations ?? []), ...session.reports]);
  return reports.findLast(({ key }) => key?.job_id === jobId);
}

function conditions(): readonly DeviceCondition__Output[] {
  return controller.session?.heartbeats.at(-1)?.conditions ?? [];
}

function uses(): readonly string[] {
  return UUIDS.map(
    (uuid) =>
      conditions()
        .find(({ id }) => id === uuid)
        ?.use.replace("DEVICE_USE_", "") ?? "",
  );
}

async function untilUses(...expected: readonly string[]): Promise<void> {
  await expect.poll(uses, patience).toEqual(expected);
}

async function isRunning(container: string): Promise<boolean> {
  return (await docker.engine.docker.getContainer(container).inspect()).State.Running;
}

/** So many heartbeats from now. */
async function beats(count: number): Promise<void> {
  const all = () => controller.sessions.flatMap((session) => session.heartbeats).length;
  const from = all();
  await expect.poll(() => all() - from, patience).toBeGreaterThanOrEqual(count);
}

test("granted devices are in use, idle, or used by the wrong job, as the driver names their processes", async () => {
  const { pid, protoKey } = await run(FOREVER, [UUIDS[0] ?? ""]);
  await untilUses("IDLE", "FREE", "FREE");
  await processesOn([{ pid, memoryMb: 700 }]);
  await untilUses("IN_USE", "FREE", "FREE");
  await processesOn([{ pid }], [{ pid, memoryMb: 700 }]);
  await untilUses("IN_USE", "WRONG_JOB", "FREE");
  expect(conditions()[1]).toMatchObject({
    withheld: "",
    use_reason: expect.stringContaining(`(pid ${pid}, user `),
  });
  controller.session?.command(1, { stop: { key: protoKey, grace_ms: 0, reason: "test" } });
  await processesOn();
  await untilUses("FREE", "FREE", "FREE");
});

test("a foreign process keeps its device from jobs until it is gone, and is never killed", async () => {
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  children.push(child);
  const foreign = await docker.engine.docker.createContainer({ Image: TEST_IMAGE, Cmd: ["sleep", "1000"] });
  await foreign.start();
  const pid = await pidOf(foreign.id);
  await processesOn([], [{ pid }], [{ pid: child.pid ?? 0, memoryMb: 642 }]);
  await untilUses("FREE", "FOREIGN", "FOREIGN");
  expect(conditions()[2]?.withheld).toBe(
    `on it and of no job: sleep (pid ${child.pid}, user root), which has 642 MB of its memory`,
  );
  expect(conditions()[1]?.withheld).toContain(`in container ${foreign.id.slice(0, 12)}`);
  await beats(3);
  expect([child.exitCode, child.signalCode, await isRunning(foreign.id)]).toEqual([null, null, true]);
  await foreign.remove({ force: true });
  await processesOn();
  await untilUses("FREE", "FREE", "FREE");
  expect(conditions().map(({ withheld }) => withheld)).toEqual(["", "", ""]);
});

test("a container that somebody starts again when its job is over is killed; one of another agent is left alone", async () => {
  const { key } = await run(FOREVER, [UUIDS[1] ?? ""]);
  const container = docker.engine.docker.getContainer(containerNameOf(key));
  const { Labels } = (await container.inspect()).Config;
  const labels = { ...Labels, "gpusched.agent": "another-agent" };
  const others = await docker.engine.docker.createContainer({
    Image: TEST_IMAGE,
    Cmd: ["sleep", "1000"],
    Labels: labels,
  });
  await others.start();
  await container.kill();
  await expect.poll(() => newest(key.jobId)?.phase, patience).toBe("ALLOCATION_PHASE_ENDED");
  await container.start();
  await expect.poll(() => isRunning(containerNameOf(key)), patience).toBe(false);
  const told = () => controller.sessions.flatMap(({ heartbeats }) => heartbeats).flatMap((beat) => beat.conditions);
  const orphan = () => told().find(({ use }) => use === "DEVICE_USE_ORPHAN");
  await expect.poll(orphan, patience).toMatchObject({
    id: UUIDS[1],
    withheld: expect.stringContaining(`of ${key.jobId} (attempt 1), which is over`),
  });
  await processesOn([{ pid: await pidOf(others.id) }]);
  await untilUses("FOREIGN", "FREE", "FREE");
  expect(conditions()[0]?.use_reason).toContain("of another agent (another-agent)");
  expect(await isRunning(others.id)).toBe(true);
  await others.remove({ force: true });
});

test("a container that comes up late, unknown to the agent, is told to the leader, and ended on its word", async () => {
  const { key } = await run(FOREVER, []);
  const { Config } = await docker.engine.docker.getContainer(containerNameOf(key)).inspect();
  const late = { ...key, jobId: asJobId(`job-${1_000 + jobs}`) };
  const container = await docker.engine.docker.createContainer({
    ...Config,
    name: containerNameOf(late),
    Labels: { ...Config.Labels, "gpusched.job": late.jobId },
  });
  await container.start();
  await expect.poll(() => newest(late.jobId)?.phase, patience).toBe("ALLOCATION_PHASE_RUNNING");
  await beats(3);
  expect(await isRunning(container.id)).toBe(true);
  const lateKey = { job_id: late.jobId, attempt: 1, rank: 0 };
  controller.session?.command(1, { stop: { key: lateKey, grace_ms: 0, reason: "not wanted" } });
  await expect.poll(() => newest(late.jobId)?.phase, patience).toBe("ALLOCATION_PHASE_ENDED");
});

test("a job that has lost its device inside its container ends as the node's doing", async () => {
  const says = "printf '#!/bin/sh\\necho Failed to initialize NVML: Unknown Error; exit 255' > /bin/nvidia-smi";
  const { key, pid } = await run(`${says}; chmod +x /bin/nvidia-smi; ${FOREVER}`, [UUIDS[2] ?? ""]);
  await processesOn([], [], [{ pid }]);
  await untilUses("FREE", "FREE", "IN_USE");
  await beats(4);
  expect(newest(key.jobId)?.phase).toBe("ALLOCATION_PHASE_RUNNING");
  await processesOn();
  await expect
    .poll(() => newest(key.jobId), patience)
    .toMatchObject({
      phase: "ALLOCATION_PHASE_ENDED",
      cause: "END_CAUSE_NODE",
      message: "its GPU was lost inside its container: it had it, and cannot reach it any more",
    });
});

test("while the engine hangs nothing is judged that it alone can tell, and all is as it was afterwards", async () => {
  const { key, pid } = await run(FOREVER, [UUIDS[0] ?? ""]);
  await processesOn([{ pid }]);
  await untilUses("IN_USE", "FREE", "FREE");
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  children.push(child);
  await docker.engine.pause();
  await processesOn([{ pid }], [], [{ pid: child.pid ?? 0 }]);
  await untilUses("IN_USE", "FREE", "FOREIGN");
  docker.engine.resume();
  await beats(4);
  expect(uses()).toEqual(["IN_USE", "FREE", "FOREIGN"]);
  expect(newest(key.jobId)?.phase).toBe("ALLOCATION_PHASE_RUNNING");
});
