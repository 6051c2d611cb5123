import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from "vitest";
import type { AllocationState, Executor } from "../../agent/executor/executor.ts";
import type { AllocationKey } from "../../base/ids.ts";
import { launchSpec, textOf } from "../support/allocation-log.ts";
import {
  containerNameOf,
  DockerExecutorWorld,
  IMAGE_SETTINGS,
  job,
  reading,
} from "../support/docker-executor-world.ts";
import { FakeRegistry } from "../support/fake-registry.ts";

const WITHIN_MS = 60_000;
/** Runs until a file appears in its container. */
const UNTIL_TOLD = "while [ ! -e /tmp/go ]; do sleep 0.1; done";

let world: DockerExecutorWorld;
let executor: Executor;

beforeAll(async () => {
  world = await DockerExecutorWorld.start({});
  executor = await world.executor();
});

afterEach(() => {
  world.engine.resume();
});

afterAll(async () => {
  await world?.close();
});

async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const until = Date.now() + WITHIN_MS; Date.now() < until; await sleep(50)) if (await condition()) return;
  throw new Error(`never came true: ${what}`);
}

async function tell(key: AllocationKey): Promise<void> {
  const exec = await world.engine.docker.getContainer(containerNameOf(key)).exec({ Cmd: ["touch", "/tmp/go"] });
  await exec.start({ Detach: true });
}

async function untilReady(it: Executor): Promise<void> {
  await eventually("the executor is ready", async () => (await it.health()).ready);
}

test("an engine that hangs ends no job, takes no new one, and everything goes on after it", async () => {
  const before = job(`${UNTIL_TOLD}; exit 4`);
  executor.launch(before);
  await world.log.untilRunning(before.key);
  await world.engine.pause();

  const health = await executor.health();
  expect(health).toEqual({
    ready: false,
    message: expect.stringMatching(/^Docker does not answer at .*docker\.sock: /),
  });
  const meanwhile = job("true");
  const { end } = await world.runToEnd(meanwhile, executor);
  expect(end).toEqual({ kind: "node", message: expect.stringMatching(/^Docker does not answer at /) });
  await expect(executor.release(meanwhile.key)).rejects.toMatchObject({ code: "unavailable" });
  expect(world.log.of(before.key).at(-1)).toMatchObject({ phase: "running" });

  world.engine.resume();
  await untilReady(executor);
  await executor.release(meanwhile.key);
  await tell(before.key);
  expect((await world.log.untilEnded(before.key)).end).toMatchObject({ kind: "exited", exitCode: 4 });
  expect(await world.containersOf(meanwhile.key)).toBe(0);
});

test("jobs outlive the engine, and their ends are true, also of those that ended without it", async () => {
  const ended = job(`echo begun; ${UNTIL_TOLD}; sleep 1; exit 37`);
  const goesOn = job(`echo before; ${UNTIL_TOLD}; echo after; exit 9`);
  for (const spec of [ended, goesOn]) {
    executor.launch(spec);
    await world.log.untilRunning(spec.key);
  }
  const followed = textOf(executor.readLog(goesOn.key, reading({ follow: true })));
  const { State } = await world.engine.docker.getContainer(containerNameOf(ended.key)).inspect();
  await tell(ended.key);
  await world.engine.kill();
  expect((await executor.health()).ready).toBe(false);
  await eventually("the job has ended without the engine", () => !existsSync(`/proc/${State.Pid}/exe`));
  expect(world.log.of(ended.key).at(-1)).toMatchObject({ phase: "running" });

  await world.engine.restart();
  expect((await world.log.untilEnded(ended.key)).end).toMatchObject({ kind: "exited", exitCode: 37 });
  expect(world.log.of(goesOn.key).at(-1)).toMatchObject({ phase: "running" });
  await tell(goesOn.key);
  expect((await world.log.untilEnded(goesOn.key)).end).toMatchObject({ kind: "exited", exitCode: 9 });
  expect(await followed).toBe("before\nafter\n");
  expect(await textOf(executor.readLog(ended.key, reading()))).toBe("begun\n");
});

test("an engine that hangs or dies in the middle of a pull fails the launch with a sentence, and the next one works", async () => {
  const registry = await FakeRegistry.start();
  onTestFinished(() => registry.close());
  const impatient = await world.executor({ agentId: "agent-pull", images: { ...IMAGE_SETTINGS, pullStallMs: 2_000 } });
  const image = registry.image("app");
  const isPulling = (it: AllocationState) => it.phase === "starting" && it.message === "pulling image: 0%";

  const release = registry.hold("app");
  const hung = launchSpec({ image });
  impatient.launch(hung);
  await world.log.until(hung.key, isPulling);
  await world.engine.pause();
  const { end } = await world.log.untilEnded(hung.key);
  expect(end).toEqual({
    kind: "node",
    message: `could not pull image ${image}: it did not come any further for 2s`,
  });
  world.engine.resume();
  await untilReady(impatient);

  const cut = launchSpec({ image });
  executor.launch(cut);
  await world.log.until(cut.key, isPulling);
  await world.engine.kill();
  expect((await world.log.untilEnded(cut.key)).end).toEqual({
    kind: "node",
    message: expect.stringMatching(/^Docker does not answer at .*docker\.sock: /),
  });
  release();
  await world.engine.restart();
  await untilReady(executor);
  expect((await world.runToEnd(launchSpec({ image }), executor)).end).toMatchObject({ kind: "exited", exitCode: 0 });
  await impatient.close();
});

test("a stop that was asked for while the engine was away is carried out when it is back", async () => {
  const spec = job("trap 'exit 6' TERM; echo up; while :; do sleep 0.1; done");
  executor.launch(spec);
  for await (const _ of executor.readLog(spec.key, reading({ follow: true }))) break;
  await world.engine.kill();
  executor.stop(spec.key, 600_000, "test");
  await world.engine.restart();
  expect((await world.log.untilEnded(spec.key)).end).toMatchObject({ exitCode: 6 });
});

test("another executor of the agent adopts what runs, what has ended, and clears what never started", async () => {
  const first = await world.executor({ agentId: "agent-b" });
  const runs = job(`${UNTIL_TOLD}; exit 5`, { gpus: 2, graceMs: 1_234, requeueOnNodeLost: false });
  const ends = job(`${UNTIL_TOLD}; exit 8`);
  for (const spec of [runs, ends]) {
    first.launch(spec);
    await world.log.untilRunning(spec.key);
  }
  await first.close();
  await tell(ends.key);
  await world.engine.docker.getContainer(containerNameOf(ends.key)).wait();
  const never = job("true");
  const { Config } = await world.engine.docker.getContainer(containerNameOf(ends.key)).inspect();
  await world.engine.docker.createContainer({
    ...Config,
    name: containerNameOf(never.key),
    Labels: { ...Config.Labels, "gpusched.job": never.key.jobId },
  });

  const second = await world.executor({ agentId: "agent-b" });
  const found = new Map((await second.recover()).map((it) => [it.key.jobId, it]));
  expect(found.size).toBe(3);
  expect(found.get(runs.key.jobId)).toEqual({
    key: runs.key,
    deviceIds: ["gpu-1", "gpu-2"],
    graceMs: 1_234,
    requeueOnNodeLost: false,
    state: { phase: "running", startedAtMs: expect.any(Number), stopping: false },
  });
  expect(found.get(ends.key.jobId)?.state).toMatchObject({ phase: "ended", end: { exitCode: 8 } });
  expect(found.get(never.key.jobId)?.state).toMatchObject({ phase: "ended", end: { kind: "node" } });
  expect(await world.containersOf(never.key)).toBe(0);

  second.launch(runs);
  await tell(runs.key);
  expect((await world.log.untilEnded(runs.key)).end).toMatchObject({ exitCode: 5 });
  for (const { key } of [runs, ends, never]) await second.release(key);
  expect(await second.recover()).toEqual([]);
  await second.close();
});

test("an executor that starts before its engine is not ready, says why, and is ready once it is there", async () => {
  await world.engine.kill();
  const early = await world.executor({ agentId: "agent-c" });
  expect(await early.health()).toEqual({
    ready: false,
    message: `Docker does not answer at ${world.engine.socketPath}: nothing listens there`,
  });
  expect(early.gpuGrant).toMatchObject({ kind: "none", reason: expect.stringMatching(/^Docker does not answer/) });
  await expect(early.recover()).rejects.toMatchObject({ code: "unavailable" });
  const refused = job("true");
  expect((await world.runToEnd(refused, early)).end).toMatchObject({ kind: "node" });

  await world.engine.restart();
  await untilReady(early);
  expect(await early.recover()).toHaveLength(1);
  const spec = job("exit 2");
  expect((await world.runToEnd(spec, early)).end).toMatchObject({ exitCode: 2 });
  expect(early.gpuGrant.kind).toBe("environment");
  await early.close();
});
