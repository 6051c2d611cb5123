import { afterAll, beforeAll, expect, test } from "vitest";
import type { Executor } from "../../agent/executor/executor.ts";
import { launchSpec, textOf } from "../support/allocation-log.ts";
import { DockerExecutorWorld, IMAGE_SETTINGS, reading } from "../support/docker-executor-world.ts";
import { FakeRegistry } from "../support/fake-registry.ts";

let world: DockerExecutorWorld;
let registry: FakeRegistry;
let executor: Executor;

beforeAll(async () => {
  registry = await FakeRegistry.start();
  world = await DockerExecutorWorld.start({ nvidiaRuntime: true });
  executor = await world.executor();
});

afterAll(async () => {
  await world?.close();
  await registry?.close();
});

test("an image that is not there is pulled first, and runs as it was made", async () => {
  const image = registry.image("app");
  const plain = launchSpec({ image });
  expect((await world.runToEnd(plain, executor)).end).toMatchObject({ kind: "exited", exitCode: 0 });
  const messages = world.log.of(plain.key).map((it) => (it.phase === "starting" ? it.message : it.phase));
  expect(messages.slice(0, 2)).toEqual(["starting", "pulling image: 0%"]);
  expect(await textOf(executor.readLog(plain.key, reading()))).toBe("entry cmd\n");

  const withArgs = launchSpec({ image, args: ["a", "b"] });
  await world.runToEnd(withArgs, executor);
  expect(await textOf(executor.readLog(withArgs.key, reading()))).toBe("entry a b\n");

  const script = 'echo "$0 $1 [$NVIDIA_VISIBLE_DEVICES]"';
  const withCommand = launchSpec({ image, command: ["/bin/sh", "-c", script, "zero"], args: ["one"] });
  await world.runToEnd(withCommand, executor);
  expect(await textOf(executor.readLog(withCommand.key, reading()))).toBe("zero one [void]\n");
});

test.each([
  ["missing", "bad-request", "image not found: "],
  ["private", "bad-request", "image not found, or access to it denied: "],
  ["forbidden", "bad-request", "if it is private, the node needs credentials for 127.0.0.1:"],
  ["foreign", "bad-request", "image is not made for this kind of machine: "],
  ["busy", "node", "its registry refuses more requests for now"],
  ["broken", "node", "its registry fails: "],
  ["truncated", "node", "the connection to its registry broke off"],
  ["damaged", "node", "what came does not have the digest that its registry promised"],
])("an image that is %s is told as %s", async (repository, kind, message) => {
  const image = registry.image(repository);
  const { end } = await world.runToEnd(launchSpec({ image }), executor);
  expect(end).toEqual({ kind, message: expect.stringContaining(message) });
  expect(end.message).toContain(image);
});

test.each(["flaky", "briefly"])("a registry that refuses %s is asked again, and the job runs", async (repository) => {
  const spec = launchSpec({ image: registry.image(repository) });
  expect((await world.runToEnd(spec, executor)).end).toMatchObject({ kind: "exited", exitCode: 0 });
  const messages = world.log.of(spec.key).map((it) => (it.phase === "starting" ? it.message : ""));
  expect(messages).toContainEqual(expect.stringMatching(/; trying again in \ds$/));
});

test("an image that comes slowly is waited for, and one that does not come any further is given up", async () => {
  const impatient = await world.executor({ images: { ...IMAGE_SETTINGS, pullStallMs: 1_500 } });
  const trickling = launchSpec({ image: registry.image("trickling") });
  expect((await world.runToEnd(trickling, impatient)).end).toMatchObject({ kind: "exited", exitCode: 0 });
  const image = registry.image("slow");
  expect((await world.runToEnd(launchSpec({ image }), impatient)).end).toEqual({
    kind: "node",
    message: `could not pull image ${image}: it did not come any further for 2s`,
  });
});

test("two jobs share the pull of their image, and the end of one leaves it to the other", async () => {
  const image = registry.image("app2");
  const release = registry.hold("app2");
  const [stopped, goesOn] = [launchSpec({ image }), launchSpec({ image })];
  for (const spec of [stopped, goesOn]) {
    executor.launch(spec);
    await world.log.until(spec.key, (it) => it.phase === "starting" && it.message.startsWith("pulling image"));
  }
  executor.stop(stopped.key, 0, "test");
  expect((await world.log.untilEnded(stopped.key)).end).toMatchObject({ message: "stopped before it started" });
  release();
  expect((await world.log.untilEnded(goesOn.key)).end).toMatchObject({ kind: "exited", exitCode: 0 });
  expect(registry.served("app2")).toBe(1);
});

test("a job that is stopped while its image is pulled ends at once and leaves nothing", async () => {
  const spec = launchSpec({ image: registry.image("slow") });
  executor.launch(spec);
  await world.log.until(spec.key, (it) => it.phase === "starting" && it.message.startsWith("pulling image"));
  executor.stop(spec.key, 600_000, "test");
  expect(await world.log.untilEnded(spec.key)).toMatchObject({
    startedAtMs: undefined,
    end: { kind: "node", message: "stopped before it started" },
  });
  expect(await world.containersOf(spec.key)).toBe(0);
});

test("an executor can be closed while an image is pulled", async () => {
  const other = await world.executor();
  const spec = launchSpec({ image: registry.image("slow") });
  other.launch(spec);
  await world.log.until(spec.key, (it) => it.phase === "starting" && it.message.startsWith("pulling image"));
  await other.close();
  expect(world.log.of(spec.key).at(-1)).toMatchObject({ phase: "starting" });
});
