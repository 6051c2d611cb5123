import { expect, test } from "vitest";
import { asDeviceId, asJobId } from "../../base/ids.ts";
import { silentLogger } from "../../base/logger.ts";
import { FakeDeviceSource } from "../../test/support/fake-device-source.ts";
import { FakeExecutor } from "../../test/support/fake-executor.ts";
import type { Report } from "../core/input.ts";
import { type DeviceReading, UNTOLD_READING } from "../devices/device-source.ts";
import type { Occupant } from "../executor/executor.ts";
import { DEFAULT_ANSWERS } from "./core/answers.ts";
import { Looker } from "./looker.ts";

const KEY = { jobId: asJobId("job-1"), attempt: 1, rank: 0 };
const ENDED: Report["state"] = {
  phase: "ended",
  startedAtMs: 1,
  endedAtMs: 2,
  end: { kind: "node", message: "" },
};

function occupant(given: Partial<Occupant> = {}): Occupant {
  const id = "1".repeat(64);
  return {
    id,
    kind: "container",
    agentId: "agent-a",
    key: KEY,
    deviceIds: [asDeviceId("gpu-1")],
    isRunning: true,
    ...given,
  };
}

/** An agent's looker on two devices, whose clock goes on by two seconds with each look. */
function looking(pids: readonly number[] = []) {
  const devices = new FakeDeviceSource(2);
  const executor = new FakeExecutor(() => {});
  const processes = pids.map((pid) => ({ pid, memoryMb: 1, kind: "compute" as const }));
  const world = {
    executor,
    reads: 0,
    failing: false,
    allocations: [] as Report[],
    discovered: [] as unknown[],
    givenUp: [] as unknown[],
  };
  let readings: readonly DeviceReading[] = [];
  let nowMs = 0;
  const read = async () => {
    world.reads += 1;
    if (world.failing) throw new Error("the driver does not answer");
    return [
      { ...UNTOLD_READING, id: asDeviceId("gpu-1"), processes },
      { ...UNTOLD_READING, id: asDeviceId("gpu-2"), processes: [] },
    ];
  };
  const looker = new Looker({
    agentId: "agent-a",
    answers: DEFAULT_ANSWERS,
    ignoredPrograms: [],
    executor,
    refresh: async () => {
      nowMs += 2_000;
      readings = await read().catch(() => readings);
    },
    read,
    devices: () => devices.devices,
    readings: () => readings,
    allocations: () => world.allocations,
    onDiscovered: (found) => void world.discovered.push(found),
    onGivenUp: (key) => void world.givenUp.push(key),
    clock: { wallMs: () => nowMs, monotonicMs: () => nowMs },
    log: silentLogger,
  });
  const use = () => looker.useOf("gpu-1")?.use;
  return { world, looker, use };
}

test("a real process that is nobody's is found at the second look", async () => {
  const { looker, use } = looking([process.pid]);
  expect(use()).toBeUndefined();
  await looker.look();
  expect(use()).toBe("DEVICE_USE_FREE");
  await looker.look();
  expect(looker.useOf("gpu-1")).toMatchObject({
    use: "DEVICE_USE_FOREIGN",
    withheld: expect.stringContaining(`(pid ${process.pid}, user `),
  });
  await looker.close();
});

test("another look follows by itself where something was seen once, and no further one once it is clear", async () => {
  const { world, looker } = looking([process.pid]);
  await looker.look();
  expect(world.reads).toBe(1);
  await expect.poll(() => world.reads, { timeout: 10_000 }).toBeGreaterThan(1);
  await looker.look();
  await looker.close();
});

test("a driver that does not answer leaves what was said", async () => {
  const { world, looker, use } = looking([process.pid]);
  await looker.look();
  await looker.look();
  world.failing = true;
  await looker.look();
  expect(use()).toBe("DEVICE_USE_FOREIGN");
  await looker.close();
});

test("what is over is reaped through the executor, once at a time", async () => {
  const { world, looker, use } = looking();
  world.executor.occupantsNow = async () => [occupant()];
  world.allocations = [{ key: KEY, deviceIds: ["gpu-1"], state: ENDED, stopping: false }];
  await looker.look();
  expect(world.executor.reaped).toEqual([]);
  await looker.look();
  expect(use()).toBe("DEVICE_USE_ORPHAN");
  expect(world.executor.reaped).toEqual([occupant()]);
  await looker.close();
});

test("what the agent does not know is asked of the executor again, and handed on", async () => {
  const { world, looker } = looking();
  world.executor.occupantsNow = async () => [occupant()];
  await looker.look();
  await looker.look();
  await expect.poll(() => world.discovered).toEqual([[]]);
  expect(world.executor.reaped).toEqual([]);
  await looker.close();
});

test("an executor that never answers neither keeps a look from its end nor is asked again meanwhile", async () => {
  const { world, looker, use } = looking([process.pid]);
  let asked = 0;
  world.executor.occupantsNow = () => {
    asked += 1;
    return new Promise(() => {});
  };
  await looker.look();
  await looker.look();
  expect(use()).toBe("DEVICE_USE_FOREIGN");
  expect(asked).toBe(1);
  await looker.close();
});

test("a job that lost its device is given up", async () => {
  const { world, looker } = looking();
  world.executor.occupantsNow = async () => [occupant()];
  world.executor.seesNow = async () => true;
  const state = { phase: "running", startedAtMs: 1, stopping: false } as const;
  world.allocations = [{ key: KEY, deviceIds: ["gpu-1"], state, stopping: false }];
  await looker.look();
  world.executor.seesNow = async () => false;
  // It is asked again after five minutes.
  for (let look = 0; look < 200 && world.givenUp.length === 0; look++) await looker.look();
  expect(world.givenUp).toEqual([KEY]);
  await looker.close();
});
