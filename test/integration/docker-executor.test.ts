import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Executor, LaunchSpec } from "../../agent/executor/executor.ts";
import { grantOptions } from "../../agent/executor/docker/gpu-grant.ts";
import { allocationName, asDeviceId } from "../../base/ids.ts";
import { launchSpec, textOf } from "../support/allocation-log.ts";
import { TEST_IMAGE } from "../support/docker-engine.ts";
import { containerNameOf, DockerExecutorWorld, job, reading } from "../support/docker-executor-world.ts";

let world: DockerExecutorWorld;
let executor: Executor;

beforeAll(async () => {
  world = await DockerExecutorWorld.start({ nvidiaRuntime: true, nvidiaHook: true, brokenRuntime: true });
  executor = await world.executor();
});

afterAll(async () => {
  await world?.close();
});

test("a container gets its devices, limits, environment and labels, and no more", async () => {
  const spec = job("env; id -u; cat /proc/self/limits", {
    gpus: 2,
    cpuCores: 64,
    memoryMb: 128,
    environment: { GREETING: "a b=c", NVIDIA_VISIBLE_DEVICES: "all", CUDA_VISIBLE_DEVICES: "0,1" },
    labels: { team: "vision" },
  });
  expect(await world.runToEnd(spec, executor)).toMatchObject({ end: { kind: "exited", exitCode: 0 } });

  const details = await world.engine.docker.getContainer(containerNameOf(spec.key)).inspect();
  expect(details.Config.Labels).toMatchObject({
    "gpusched.agent": "agent-a",
    "gpusched.node": "node-a",
    "gpusched.job": spec.key.jobId,
    "gpusched.attempt": "1",
    "gpusched.rank": "0",
    "gpusched.tenant": "tenant-1",
    "gpusched.devices": "gpu-1,gpu-2",
    "gpusched.grace-ms": "10000",
    "gpusched.requeue": "true",
    "gpusched.label.team": "vision",
  });
  expect(details.HostConfig).toMatchObject({
    Memory: 128 * 1024 * 1024,
    MemorySwap: 128 * 1024 * 1024,
    ShmSize: 64 * 1024 * 1024,
    PidsLimit: 4_096,
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges"],
    IpcMode: "private",
    Init: true,
    Privileged: false,
    Binds: null,
    Runtime: "nvidia",
    RestartPolicy: { Name: "no" },
  });
  const { NCPU } = await world.engine.docker.info();
  expect(details.HostConfig.NanoCpus).toBe(NCPU * 1e9);

  const recorded = (await world.engine.recorded()).find((it) => it.containerId === details.Id);
  expect(recorded?.by).toBe("runtime");
  expect(recorded?.config.process.env).toEqual(
    expect.arrayContaining(["GREETING=a b=c", "NVIDIA_VISIBLE_DEVICES=gpu-1,gpu-2", "CUDA_VISIBLE_DEVICES=0,1"]),
  );
  expect(recorded?.config.process.env.filter((it) => it.startsWith("NVIDIA_VISIBLE_DEVICES="))).toHaveLength(1);
  expect(recorded?.config.process.noNewPrivileges).toBe(true);
  expect(recorded?.config.process.capabilities?.["bounding"] ?? []).toEqual([]);
  expect(recorded?.config.linux.resources.memory?.limit).toBe(128 * 1024 * 1024);
  expect(recorded?.config.linux.resources.pids?.limit).toBe(4_096);
});

test("a job without devices is told that none are visible, whatever it asks for", async () => {
  const spec = job('echo "[$NVIDIA_VISIBLE_DEVICES]"', { environment: { NVIDIA_VISIBLE_DEVICES: "all" } });
  await world.runToEnd(spec, executor);
  expect(await textOf(executor.readLog(spec.key, reading()))).toBe("[void]\n");
});

test("devices can be granted by Docker's device requests", async () => {
  const other = await world.executor({ gpuGrant: "device-requests" });
  const spec = job("true", { gpus: 2 });
  expect(await world.runToEnd(spec, other)).toMatchObject({ end: { kind: "exited", exitCode: 0 } });
  await other.close();

  const { Id } = await world.engine.docker.getContainer(containerNameOf(spec.key)).inspect();
  const recorded = (await world.engine.recorded()).find((it) => it.containerId === Id && it.by === "hook");
  expect(recorded?.config.process.env).toContain("NVIDIA_VISIBLE_DEVICES=gpu-1,gpu-2");
  expect(recorded?.config.hooks?.prestart?.[0]?.path).toMatch(/nvidia-container-runtime-hook$/);
});

test("devices can be granted by their files, with the groups that may use them", async () => {
  const id = asDeviceId("gpu-1");
  const device = { cdiName: undefined, nodes: ["/dev/random"], groups: [44, 109] };
  const grant = { kind: "devices", reason: "", devices: new Map([[id, device]]) } as const;
  const container = await world.engine.docker.createContainer({
    Image: TEST_IMAGE,
    Cmd: ["sh", "-c", "id -G"],
    User: "1000:1000",
    HostConfig: { ...grantOptions(grant, undefined, [id]), NetworkMode: "none" },
  });
  await container.start();
  await container.wait();
  const { HostConfig } = await container.inspect();
  expect(HostConfig.Devices).toMatchObject([{ PathOnHost: "/dev/random", CgroupPermissions: "rw" }]);
  const output = String(await container.logs({ stdout: true }));
  expect(output).toContain("1000 44 109");
  await container.remove();
});

test("says how devices are granted, and why", async () => {
  expect(executor.gpuGrant).toMatchObject({ kind: "runtime", reason: "Docker has the runtime nvidia" });
});

test.each([0, 1, 7, 125, 126, 127, 137, 255])("exit code %i arrives as it is", async (code) => {
  const { end } = await world.runToEnd(job(`exit ${code}`), executor);
  expect(end).toMatchObject({ kind: "exited", exitCode: code, signal: undefined, outOfMemory: false });
});

test("a job that is killed by a signal shows its number", async () => {
  const { end } = await world.runToEnd(job("kill -KILL $$"), executor);
  expect(end).toMatchObject({ kind: "exited", exitCode: 137, message: "128 + SIGKILL" });
});

test("running out of memory is told, also when the job's first process survives it", async () => {
  const fill = "tail /dev/zero";
  const [killed, survived] = await Promise.all([
    world.runToEnd(job(`exec ${fill}`), executor),
    world.runToEnd(job(`${fill}; exit 0`), executor),
  ]);
  expect(killed.end).toMatchObject({ outOfMemory: true, exitCode: 137, message: "out of memory (limit 64 MB)" });
  expect(survived.end).toMatchObject({ outOfMemory: true, exitCode: 0, message: "out of memory (limit 64 MB)" });
});

test("stop lets the job finish by itself, and kills it when its grace is over or shortened", async () => {
  const polite = job("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.1; done");
  const stubborn = job("trap '' TERM; echo up; while :; do sleep 0.1; done");
  for (const spec of [polite, stubborn]) {
    executor.launch(spec);
    await world.log.untilRunning(spec.key);
    for await (const _ of executor.readLog(spec.key, reading({ follow: true }))) break;
    executor.stop(spec.key, 600_000, "test");
    await world.log.until(spec.key, (it) => it.phase === "running" && it.stopping);
  }
  expect((await world.log.untilEnded(polite.key)).end).toMatchObject({ exitCode: 3 });
  executor.stop(stubborn.key, 900_000, "a longer grace changes nothing");
  executor.stop(stubborn.key, 10, "a shorter one does");
  expect((await world.log.untilEnded(stubborn.key)).end).toMatchObject({ exitCode: 137 });
});

const REFUSED: [string, LaunchSpec, object][] = [
  ["no image", launchSpec({ script: "true" }), { kind: "bad-request", message: "a node with Docker needs an image" }],
  [
    "an image name that is none",
    launchSpec({ image: "NOT/AN/IMAGE", script: "true" }),
    { kind: "bad-request", message: "not the name of an image: NOT/AN/IMAGE" },
  ],
  [
    "an image name that is a path of Docker's API",
    launchSpec({ image: "../containers/json?all=1", script: "true" }),
    { kind: "bad-request", message: "not the name of an image: ../containers/json?all=1" },
  ],
  [
    "a registry that is not there",
    launchSpec({ image: "127.0.0.1:1/some/image:1", script: "true" }),
    { kind: "node", message: "could not pull image 127.0.0.1:1/some/image:1: its registry cannot be reached" },
  ],
  [
    "a command that the image does not have",
    launchSpec({ image: TEST_IMAGE, command: ["no-such-program", "x"] }),
    { kind: "bad-request", message: "command not found in the image: no-such-program" },
  ],
  [
    "a command that is a directory",
    launchSpec({ image: TEST_IMAGE, command: ["/etc"] }),
    { kind: "bad-request", message: "command cannot be executed: /etc" },
  ],
  [
    "no command for an image without one",
    launchSpec({ image: TEST_IMAGE }),
    { kind: "bad-request", message: "no command given, and the image has none" },
  ],
];

test.each(REFUSED)("%s is the user's to mend", async (_, spec, end) => {
  expect((await world.runToEnd(spec, executor)).end).toEqual(end);
  await executor.release(spec.key);
  expect(await world.containersOf(spec.key)).toBe(0);
});

test.each([
  ["nowhere", "Docker has no runtime nowhere"],
  ["broken", "Docker's runtime is missing on this node"],
])("the runtime %s is the node's fault and leaves no container", async (runtime, message) => {
  const other = await world.executor({ runtime });
  const spec = job("true");
  expect((await world.runToEnd(spec, other)).end).toEqual({ kind: "node", message });
  expect(await world.containersOf(spec.key)).toBe(0);
  await other.close();
});

test("devices that Docker cannot grant are the node's fault and leave no container", async () => {
  const other = await world.executor({ gpuGrant: "cdi" });
  const spec = job("true", { gpus: 1 });
  const message = "Docker cannot grant GPUs on this node: NVIDIA's container toolkit is not installed for it";
  expect((await world.runToEnd(spec, other)).end).toEqual({ kind: "node", message });
  expect(await world.containersOf(spec.key)).toBe(0);
  await other.close();
});

test("a container that someone removed is told as lost by the node", async () => {
  const spec = job("sleep 600");
  executor.launch(spec);
  await world.log.untilRunning(spec.key);
  await world.engine.docker.getContainer(containerNameOf(spec.key)).remove({ force: true });
  expect((await world.log.untilEnded(spec.key)).end).toEqual({ kind: "node", message: "its container was removed" });
});

test("launching twice starts one container", async () => {
  const spec = job("sleep 600");
  const twin = await world.executor();
  executor.launch(spec);
  executor.launch(spec);
  twin.launch(spec);
  await world.log.untilRunning(spec.key);
  await world.log.until(spec.key, () => world.log.of(spec.key).filter((it) => it.phase === "running").length === 2);
  expect(await world.containersOf(spec.key)).toBe(1);
  expect(await executor.release(spec.key).catch((error) => error.message)).toMatch(/it has not ended/);
  await twin.close();
  executor.stop(spec.key, 0, "test");
  await world.log.untilEnded(spec.key);
});

test("output can be read while it comes, its end alone, by stream, and after the release", async () => {
  const spec = job("for i in 1 2 3; do echo out $i; echo err $i >&2; done; sleep 1; echo last; printf unfinished");
  executor.launch(spec);
  const followed = textOf(executor.readLog(spec.key, reading({ follow: true, stream: "stdout" })));
  await world.log.untilRunning(spec.key);
  expect(await followed).toBe("out 1\nout 2\nout 3\nlast\nunfinished");
  await world.log.untilEnded(spec.key);
  expect(await textOf(executor.readLog(spec.key, reading({ tailLines: 2 })))).toBe("last\nunfinished");
  const lastOfErrors = reading({ tailLines: 2, stream: "stderr" });
  expect(await textOf(executor.readLog(spec.key, lastOfErrors))).toBe("err 2\nerr 3\n");
  for (const stream of [undefined, "stdout"] as const) {
    expect(await textOf(executor.readLog(spec.key, reading({ tailLines: 0, stream, follow: true })))).toBe("");
  }

  await executor.release(spec.key);
  await executor.release(spec.key);
  expect(await world.containersOf(spec.key)).toBe(0);
  expect(await textOf(executor.readLog(spec.key, reading({ follow: true })))).toBe(
    "out 1\nout 2\nout 3\nlast\nunfinishederr 1\nerr 2\nerr 3\n",
  );
  expect((await readdir(join(world.dataDir, "logs", allocationName(spec.key)))).sort()).toEqual([
    "stderr.log",
    "stdout.log",
  ]);
});

test("output that is read while its allocation is released is complete", async () => {
  const script = "seq 1 2000; sleep 0.2; echo last";
  const specs = Array.from({ length: 8 }, () => job(script));
  const complete = `${Array.from({ length: 2_000 }, (_, index) => index + 1).join("\n")}\nlast\n`;
  const read = async (spec: LaunchSpec): Promise<void> => {
    executor.launch(spec);
    const followed = textOf(executor.readLog(spec.key, reading({ follow: true })));
    await world.log.untilEnded(spec.key);
    const releasing = executor.release(spec.key);
    const texts = [];
    for (let count = 0; count < 20; count += 1) texts.push(await textOf(executor.readLog(spec.key, reading())));
    await releasing;
    expect(new Set([await followed, ...texts])).toEqual(new Set([complete]));
    expect(await world.containersOf(spec.key)).toBe(0);
  };
  await Promise.all(specs.map(read));
});

test("following ends when the reader goes", async () => {
  const spec = job("echo up; sleep 600");
  executor.launch(spec);
  const reader = new AbortController();
  let text = "";
  for await (const part of executor.readLog(spec.key, reading({ follow: true, signal: reader.signal }))) {
    text += Buffer.from(part).toString();
    reader.abort();
  }
  expect(text).toBe("up\n");
  executor.stop(spec.key, 0, "test");
  await world.log.untilEnded(spec.key);
});

test("output of an allocation that is not known is not found", async () => {
  const { key } = launchSpec();
  await expect(textOf(executor.readLog(key, reading()))).rejects.toMatchObject({ code: "not_found" });
});

test("no container is left that never ran", async () => {
  const filters = { status: ["created"] };
  expect(await world.engine.docker.listContainers({ all: true, filters })).toEqual([]);
});
