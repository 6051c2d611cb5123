/** A whole agent on the stub of NVIDIA's library: every fault of a driver is told within two heartbeats, and its way back works. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import type { DeviceHealth } from "../../proto/generated/gpusched/v1/DeviceHealth.ts";
import { FakeController } from "../../test/support/fake-controller.ts";
import { startFakeNode } from "../../test/support/fake-node.ts";
import { type StubDriver, type StubGpu, StubNvml, stubGpu, whyNoStubNvml } from "../../test/support/nvml/stub-nvml.ts";
import { discoverDevices } from "../devices/discover.ts";

const WELCOME = { cluster_id: "cluster-1", term: 3, lease_ms: 300_000 };
const HEARTBEAT_MS = 200;
/** A clock to which heartbeats are as far apart as they usually are: by it a driver hangs that is merely slow here. */
const fastClock = {
  wallMs: systemClock.wallMs,
  monotonicMs: () => (systemClock.monotonicMs() * 5_000) / HEARTBEAT_MS,
};
/** Two, and one that may have been on its way. */
const MOST_BEATS = 3;
const patience = { timeout: 30_000, interval: 5 };

let stub: StubNvml;
let services = new ServiceStack();

beforeAll(async () => {
  if (whyNoStubNvml !== undefined) return;
  stub = await StubNvml.build();
  process.env.GPUSCHED_NVML_LIBRARY = stub.libraryPath;
});

beforeEach(({ skip }) => skip(whyNoStubNvml !== undefined, whyNoStubNvml));

afterEach(async () => {
  await services.close();
  services = new ServiceStack();
});

afterAll(async () => {
  delete process.env.GPUSCHED_NVML_LIBRARY;
  await stub?.remove();
});

async function start(driver: StubDriver, clock: Clock = systemClock): Promise<FakeController> {
  await stub.install(driver);
  const source = services.add(await discoverDevices({ simulateGpus: undefined, log: silentLogger }));
  const controller = services.add(await FakeController.start(WELCOME));
  const timing = { heartbeatMs: HEARTBEAT_MS };
  services.add(await startFakeNode({ controllers: [controller.address], source, clock, timing }));
  await expect.poll(() => beats(controller).length, patience).toBeGreaterThan(1);
  return controller;
}

function beats(controller: FakeController) {
  return controller.session?.heartbeats ?? [];
}

type Healths = readonly (DeviceHealth | undefined)[];

/** How the GPUs are, by their places, as one heartbeat tells. */
function healths(controller: FakeController, gpus: readonly StubGpu[], beat = -1): Healths {
  const { conditions } = present(beats(controller).at(beat), "a heartbeat");
  return gpus.map(({ uuid }) => conditions.find(({ id }) => id === uuid)?.health);
}

/** After how many heartbeats it is told that the GPUs are as expected. */
async function beatsUntil(
  controller: FakeController,
  gpus: readonly StubGpu[],
  expected: Healths,
  act: () => Promise<void>,
) {
  await act();
  const before = beats(controller).length;
  const told = () => {
    for (let beat = before; beat < beats(controller).length; beat++) {
      if (JSON.stringify(healths(controller, gpus, beat)) === JSON.stringify(expected)) return beat - before + 1;
    }
    return undefined;
  };
  await expect.poll(told, patience).toBeDefined();
  return told();
}

const WELL = "DEVICE_HEALTH_HEALTHY";
const SUSPECT = "DEVICE_HEALTH_SUSPECT";
const UNHEALTHY = "DEVICE_HEALTH_UNHEALTHY";

const XIDS: Readonly<Record<number, DeviceHealth>> = {
  13: WELL,
  31: WELL,
  43: WELL,
  45: WELL,
  68: WELL,
  109: WELL,
  32: SUSPECT,
  92: SUSPECT,
  9_999: SUSPECT,
  48: UNHEALTHY,
  62: UNHEALTHY,
  63: UNHEALTHY,
  64: UNHEALTHY,
  74: UNHEALTHY,
  79: UNHEALTHY,
  94: UNHEALTHY,
  95: UNHEALTHY,
  119: UNHEALTHY,
  120: UNHEALTHY,
  140: UNHEALTHY,
};

test("each class of XIDs is told for what it is within two heartbeats, and all return after a reset", async () => {
  const codes = Object.keys(XIDS).map(Number);
  const gpus = codes.map((_, index) => stubGpu(index));
  const controller = await start({ gpus });
  const raise = async () => {
    for (const [index, code] of codes.entries()) await stub.xid(index, code);
  };
  const expected = codes.map((code) => XIDS[code]);
  expect(await beatsUntil(controller, gpus, expected, raise)).toBeLessThanOrEqual(MOST_BEATS);
  const { conditions } = present(beats(controller).at(-1), "a heartbeat");
  for (const { health, reason, way_back, owner } of conditions) {
    expect(owner).toBe("agent");
    expect([reason === "", way_back === ""]).toEqual(Array(2).fill(health === WELL));
  }
  const unhealthy = expected.map((health) => (health === UNHEALTHY ? UNHEALTHY : WELL));
  await expect.poll(() => healths(controller, gpus), patience).toEqual(unhealthy);
  await stub.write({ gpus: gpus.map((gpu) => ({ ...gpu, energyJ: 1 })) });
  await expect.poll(() => healths(controller, gpus), patience).toEqual(expected.map(() => WELL));
});

const two = [stubGpu(0), stubGpu(1)] as const;
const [first, second] = two;

const faults: Readonly<Record<string, readonly [sick: StubDriver, expected: Healths, mended?: StubDriver]>> = {
  "uncorrected memory errors": [
    { gpus: [{ ...first, eccUncorrected: 2 }, second] },
    [UNHEALTHY, WELL],
    { gpus: [{ ...first, energyJ: 1 }, second] },
  ],
  heat: [{ gpus: [{ ...first, isThrottling: true }, second] }, [SUSPECT, WELL]],
  "a GPU that is lost": [{ gpus: [{ ...first, isLost: true }, second] }, [UNHEALTHY, WELL]],
  "a GPU that has vanished": [{ gpus: [{ ...first, isGone: true }, second] }, [UNHEALTHY, WELL]],
  "a driver that crashes": [{ gpus: two, faults: [{ does: "crash" }] }, [SUSPECT, SUSPECT]],
};

async function expectTold(controller: FakeController, sick: StubDriver, expected: Healths, mended: StubDriver) {
  const act = () => stub.write(sick);
  expect(await beatsUntil(controller, two, expected, act)).toBeLessThanOrEqual(MOST_BEATS);
  await stub.write(mended);
  await expect.poll(() => healths(controller, two), patience).toEqual([WELL, WELL]);
}

test.each(Object.entries(faults))("%s: told within two heartbeats, and gone when it is mended", async (_, fault) => {
  const [sick, expected, mended = { gpus: two }] = fault;
  await expectTold(await start({ gpus: two }), sick, expected, mended);
});

test("a driver that hangs: told within two heartbeats, and gone when it answers", async () => {
  const controller = await start({ gpus: two }, fastClock);
  await expect.poll(() => healths(controller, two), patience).toEqual([WELL, WELL]);
  await expectTold(controller, { gpus: two, faults: [{ does: "hang" }] }, [SUSPECT, SUSPECT], { gpus: two });
});
