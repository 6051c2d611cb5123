/** An engine whose disk is small: what happens when it fills up, and what is put away so that it does not. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { EngineClient } from "../../agent/executor/docker/engine-client.ts";
import { ImageStore } from "../../agent/executor/docker/images/image-store.ts";
import type { MinFree } from "../../agent/disk/disk-room.ts";
import { silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import { DAY_MS, HOUR_MS } from "../../base/time.ts";
import { launchSpec } from "../support/allocation-log.ts";
import { TEST_IMAGE } from "../support/docker-engine.ts";
import { DockerExecutorWorld, IMAGE_SETTINGS } from "../support/docker-executor-world.ts";
import { FakeRegistry } from "../support/fake-registry.ts";
import { SmallDisk, skipWithoutSmallDisk } from "../support/small-disk.ts";

const MIB = 1024 ** 2;
const NOTHING: MinFree = { bytes: 0, share: undefined };

interface Parts {
  readonly disk: SmallDisk;
  readonly registry: FakeRegistry;
  readonly world: DockerExecutorWorld;
}
const services = new ServiceStack();
let made: Parts | undefined;

beforeAll(async () => {
  if (process.getuid?.() !== 0) return;
  const registry = services.add(await FakeRegistry.start());
  const disk = services.add(new SmallDisk(128));
  const world = services.add(await DockerExecutorWorld.start({ dataRoot: disk.directory }));
  made = { disk, registry, world };
});

beforeEach(skipWithoutSmallDisk);

afterAll(async () => {
  await services.close();
});

function parts(): Parts {
  if (!made) throw new Error("the small disk is not there");
  return made;
}

/** The images of an agent of its own on the engine, and the time by its clock. */
async function storeOf(minFreeDisk: MinFree) {
  const { world, disk } = parts();
  const closing = new AbortController();
  const dataDir = mkdtempSync(join(tmpdir(), "gpusched-images-"));
  onTestFinished(() => {
    closing.abort();
    rmSync(dataDir, { recursive: true });
  });
  const clock = { nowMs: Date.now() };
  const store = await ImageStore.open({
    engine: new EngineClient(world.engine.socketPath, closing.signal),
    dataDir,
    settings: { ...IMAGE_SETTINGS, minFreeDisk },
    closing: closing.signal,
    log: silentLogger,
    rootDirectory: () => disk.directory,
    nowMs: () => clock.nowMs,
  });
  const pull = async (image: string) => {
    expect(await store.provide(image, () => undefined, closing.signal)).toBeUndefined();
  };
  return { store, clock, pull };
}

async function has(...images: string[]): Promise<boolean[]> {
  const { docker } = parts().world.engine;
  const find = (image: string) =>
    docker
      .getImage(image)
      .inspect()
      .then(
        () => true,
        () => false,
      );
  return await Promise.all(images.map(find));
}

test("a disk that fills up makes the node not ready, says so to who needs an image, and passes", async () => {
  const { disk, world, registry } = parts();
  const minFreeDisk = { bytes: 16 * MIB, share: undefined };
  const executor = await world.executor({ agentId: "agent-room", images: { ...IMAGE_SETTINGS, minFreeDisk } });
  expect(await executor.health()).toEqual({ ready: true, message: "" });
  disk.fill();
  const problem = `the disk of Docker's data (${disk.directory}) has 0 MiB left, less than the 16 MiB that must stay free`;
  expect(await executor.health()).toEqual({ ready: false, message: expect.stringContaining(problem) });
  const { end } = await world.runToEnd(launchSpec({ image: registry.image("app") }), executor);
  expect(end).toEqual({ kind: "node", message: expect.stringContaining(problem) });
  disk.empty();
  expect(await executor.health()).toEqual({ ready: true, message: "" });
  const after = await world.runToEnd(launchSpec({ image: registry.image("app") }), executor);
  expect(after.end).toMatchObject({ kind: "exited", exitCode: 0 });
});

test("an image that fills the disk is the node's failure, and leaves its room to others", async () => {
  const { world, registry } = parts();
  const executor = await world.executor({ agentId: "agent-big" });
  const image = registry.image("big");
  const { end } = await world.runToEnd(launchSpec({ image }), executor);
  expect(end).toEqual({ kind: "node", message: `could not pull image ${image}: this node's disk is full` });
  const next = await world.runToEnd(launchSpec({ image: registry.image("next") }), executor);
  expect(next.end).toMatchObject({ kind: "exited", exitCode: 0 });
});

test("what an agent pulled goes when it is unused for too long; what it did not pull stays", async () => {
  const { registry } = parts();
  const mine = await storeOf(NOTHING);
  const theirs = await storeOf(NOTHING);
  const [a, b, c] = [registry.image("a"), registry.image("b"), registry.image("c")];
  await mine.pull(a);
  await mine.pull(b);
  await theirs.pull(c);
  // Found, not pulled: it stays the other's.
  await theirs.pull(a);
  await mine.pull(TEST_IMAGE);
  for (const { clock } of [mine, theirs]) clock.nowMs += 13 * DAY_MS;
  await mine.store.wanting(b, async () => undefined);
  for (const { clock } of [mine, theirs]) clock.nowMs += 2 * DAY_MS;
  await mine.store.clean();
  expect(await has(a, b, c, TEST_IMAGE)).toEqual([false, true, true, true]);
  await theirs.store.clean();
  expect(await has(b, c, TEST_IMAGE)).toEqual([true, false, true]);
});

test("what a container has stays, and so does a name that somebody gave to another image", async () => {
  const { world, registry } = parts();
  const { docker } = world.engine;
  const { store, clock, pull } = await storeOf(NOTHING);
  const [used, renamed] = [registry.image("used"), registry.image("renamed")];
  await pull(used);
  await pull(renamed);
  const container = await docker.createContainer({ Image: used, name: "somebodys" });
  const [repo, tag] = [renamed.slice(0, renamed.lastIndexOf(":")), "1"];
  await docker.getImage(TEST_IMAGE).tag({ repo, tag });
  clock.nowMs += 15 * DAY_MS;
  await store.clean();
  expect(await has(used, renamed)).toEqual([true, true]);
  await container.remove();
  clock.nowMs += 15 * DAY_MS;
  await store.clean();
  expect(await has(used, renamed)).toEqual([false, true]);
});

test("without room the longest unused of its images go, and a job finds room for its own", async () => {
  const { disk, registry } = parts();
  const { store, clock, pull } = await storeOf({ bytes: 16 * MIB, share: undefined });
  const [older, newer, wanted] = [registry.image("older"), registry.image("newer"), registry.image("wanted")];
  await pull(older);
  clock.nowMs += HOUR_MS;
  await pull(newer);
  clock.nowMs += HOUR_MS;
  await store.clean();
  expect(await has(older, newer)).toEqual([true, true]);
  disk.fill();
  await store.wanting(newer, () => store.clean());
  expect(await has(older, newer)).toEqual([false, true]);
  disk.empty();
  await pull(wanted);
  expect(await has(wanted, TEST_IMAGE)).toEqual([true, true]);
});
