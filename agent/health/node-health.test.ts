/** A whole agent whose devices fall ill: how soon it is told, and how it ends. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { systemClock } from "../../base/clock.ts";
import { asDeviceId, asJobId } from "../../base/ids.ts";
import { ServiceStack } from "../../base/service.ts";
import type { DeviceCondition__Output } from "../../proto/generated/gpusched/v1/DeviceCondition.ts";
import { UNTOLD_READING } from "../devices/device-source.ts";
import { FakeController } from "../../test/support/fake-controller.ts";
import type { FakeDeviceSource } from "../../test/support/fake-device-source.ts";
import { type FakeNode, type FakeNodeOptions, startFakeNode } from "../../test/support/fake-node.ts";

const KEY = { jobId: asJobId("job-17"), attempt: 1, rank: 0 };
const LAUNCH = { key: { job_id: "job-17", attempt: 1, rank: 0 }, tenant_id: "t", gpu_ids: ["gpu-1"], grace_ms: 1_000 };
const WELCOME = { cluster_id: "cluster-1", term: 3, lease_ms: 300_000 };
const patience = { timeout: 10_000, interval: 2 };

let services = new ServiceStack();
afterEach(async () => {
  await services.close();
  services = new ServiceStack();
});

async function directory(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "gpusched-health-"));
  services.add({ close: () => rm(made, { recursive: true, force: true }) });
  return made;
}

interface World {
  readonly controller: FakeController;
  readonly node: FakeNode;
  readonly devices: FakeDeviceSource;
}

async function connected(options: Partial<FakeNodeOptions> = {}): Promise<World> {
  const controller = services.add(await FakeController.start(WELCOME));
  const node = services.add(await startFakeNode({ controllers: [controller.address], ...options }));
  const world = { controller, node, devices: node.devices };
  await expect.poll(() => beats(world).length, patience).toBeGreaterThan(0);
  return world;
}

function beats({ controller }: World) {
  return controller.session?.heartbeats ?? [];
}

/** What the newest heartbeat tells of the device. */
function told(world: World, id = "gpu-1"): DeviceCondition__Output {
  return present(
    beats(world)
      .at(-1)
      ?.conditions.find((condition) => condition.id === id),
    "the condition of",
    id,
  );
}

/** How many heartbeats after the first word of `injure` the device is told to be other than healthy. */
async function beatsUntilTold(world: World, injure: () => void): Promise<number> {
  const before = beats(world).length;
  injure();
  const isTold = () => {
    return beats(world).findIndex(({ conditions }, index) => {
      return index >= before && conditions.some(({ id, withheld }) => id === "gpu-1" && withheld !== "");
    });
  };
  await expect.poll(isTold, patience).toBeGreaterThanOrEqual(0);
  return isTold() - before + 1;
}

test("healthy devices are told of in the hello and in every heartbeat", async () => {
  const world = await connected();
  const healthy = { health: "DEVICE_HEALTH_HEALTHY", owner: "agent", reason: "", way_back: "", withheld: "" };
  const expected = [
    { id: "gpu-1", ...healthy },
    { id: "gpu-2", ...healthy },
  ];
  expect(world.controller.session?.hello?.conditions).toMatchObject(expected);
  expect(beats(world).at(-1)?.conditions).toMatchObject(expected);
});

const faults: Readonly<Record<string, (devices: FakeDeviceSource) => void>> = {
  "is not read any more": (devices) => {
    devices.readNow = async () => [reading("gpu-2")];
  },
  "is not listed any more": (devices) => {
    devices.devices = devices.devices.slice(1);
  },
  "is told of by its driver": (devices) => {
    devices.pendingEvents = [{ deviceId: asDeviceId("gpu-1"), pciBusId: "", xid: 92, atMs: Date.now(), message: "" }];
  },
  "slows itself down for heat": (devices) => {
    devices.readNow = async () => [{ ...reading("gpu-1"), isThrottling: true }, reading("gpu-2")];
  },
  "cannot be read, as its driver crashes": (devices) => {
    devices.readNow = () => Promise.reject(new Error("the driver crashed"));
  },
};

function reading(id: string) {
  return { ...UNTOLD_READING, id: asDeviceId(id) };
}

test.each(Object.entries(faults))("a device that %s is told within two heartbeats, and returns", async (_, injure) => {
  const world = await connected();
  const { devices, readNow } = { ...world.devices, devices: world.devices.devices };
  // One heartbeat may have been on its way.
  expect(await beatsUntilTold(world, () => injure(world.devices))).toBeLessThanOrEqual(3);
  expect(told(world)).toMatchObject({
    owner: "agent",
    reason: expect.stringMatching(/./),
    way_back: expect.stringMatching(/./),
  });
  world.devices.devices = devices;
  world.devices.readNow = readNow;
  await expect.poll(() => told(world).health, patience).toBe("DEVICE_HEALTH_HEALTHY");
  expect(told(world).withheld).toBe("");
});

test("devices whose driver hangs are told within two heartbeats, and return when it answers", async () => {
  // A clock on which heartbeats are seconds apart.
  const clock = { wallMs: systemClock.wallMs, monotonicMs: () => systemClock.monotonicMs() * 100 };
  const world = await connected({ clock });
  const { readNow } = world.devices;
  const { promise: hung, resolve } = Promise.withResolvers<void>();
  const injure = () => {
    world.devices.readNow = async () => {
      await hung;
      return readNow();
    };
  };
  expect(await beatsUntilTold(world, injure)).toBeLessThanOrEqual(3);
  expect(told(world).reason).toMatch(/^its driver does not answer: no answer for /);
  world.devices.readNow = readNow;
  resolve();
  await expect.poll(() => told(world).health, patience).toBe("DEVICE_HEALTH_HEALTHY");
});

test("one that has vanished stays in the inventory", async () => {
  const world = await connected();
  await beatsUntilTold(world, () => faults["is not listed any more"]?.(world.devices));
  await expect.poll(() => told(world).reason, patience).toMatch(/does not list it any more/);
  const inventories = beats(world).flatMap(({ inventory }) =>
    inventory ? [inventory.devices.map(({ id }) => id)] : [],
  );
  for (const ids of inventories) expect(ids.toSorted()).toEqual(["gpu-1", "gpu-2"]);
});

test("suspect devices are not withheld where the agent is told to use them", async () => {
  const world = await connected({ suspectDevices: "use" });
  faults["slows itself down for heat"]?.(world.devices);
  await expect.poll(() => told(world).health, patience).toBe("DEVICE_HEALTH_SUSPECT");
  expect(told(world).withheld).toBe("");
});

test("an agent that is started again remembers, and after a reboot of its host no more", async () => {
  const dataDir = await directory();
  const first = await connected({ dataDir });
  await beatsUntilTold(first, () => faults["is not read any more"]?.(first.devices));
  await first.node.close();
  const again = await connected({ dataDir });
  expect(again.controller.session?.hello?.conditions[0]?.health).toBe("DEVICE_HEALTH_UNHEALTHY");
  await again.node.close();
  const rebooted = await connected({ dataDir, bootId: "boot-2" });
  expect(rebooted.controller.session?.hello?.conditions[0]?.health).toBe("DEVICE_HEALTH_HEALTHY");
});

test("a damaged file is begun anew", async () => {
  const dataDir = await directory();
  const path = join(dataDir, "device-health.json");
  for (const damage of ["", "{", '{"version":1,"bootId":"boot-1","devices":[{"device":{"id":""}}]}']) {
    await writeFile(path, damage);
    const world = await connected({ dataDir });
    expect(told(world).health).toBe("DEVICE_HEALTH_HEALTHY");
    await world.node.close();
    expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ version: 1, devices: [{}, {}] });
  }
});

test("a job that fails when its device does is told as lost to that device; one that fails by itself is not", async () => {
  const world = await connected();
  const { controller, node, devices } = world;
  const ended = (startedAtMs: number) => {
    const end = { kind: "exited", exitCode: 1, signal: undefined, outOfMemory: false, message: "" } as const;
    node.executor.change(KEY, { phase: "ended", startedAtMs, endedAtMs: Date.now(), end });
  };
  const begin = async () => {
    controller.session?.command(3, { launch: LAUNCH });
    await expect.poll(() => node.executor.launched.length, patience).toBeGreaterThan(0);
    node.executor.launched.length = 0;
    node.executor.change(KEY, { phase: "running", startedAtMs: Date.now(), stopping: false });
  };
  const report = async () => {
    await expect.poll(() => controller.session?.reports.at(-1)?.phase, patience).toBe("ALLOCATION_PHASE_ENDED");
    return controller.session?.reports.at(-1);
  };
  await begin();
  ended(Date.now());
  expect(await report()).toMatchObject({ cause: "END_CAUSE_EXITED", exit_code: 1, failed_gpu_ids: [] });
  controller.session?.command(3, { release: { key: LAUNCH.key } });
  await expect.poll(() => node.executor.released, patience).toHaveLength(1);

  await begin();
  await expect.poll(() => controller.session?.reports.at(-1)?.phase, patience).toBe("ALLOCATION_PHASE_RUNNING");
  devices.readNow = async () => [reading("gpu-2")];
  ended(Date.now());
  expect(await report()).toMatchObject({
    cause: "END_CAUSE_NODE",
    message: "gpu-1 became unhealthy while the job ran: it does not answer (exit code 1)",
    failed_gpu_ids: ["gpu-1"],
  });
});
