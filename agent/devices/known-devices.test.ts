import { expect, test } from "vitest";
import { asDeviceId } from "../../base/ids.ts";
import { silentLogger } from "../../base/logger.ts";
import { HOUR_MS } from "../../base/time.ts";
import { FakeDeviceSource } from "../../test/support/fake-device-source.ts";
import { KnownDevices } from "./known-devices.ts";

function world(count: number) {
  const now = { ms: 0 };
  const source = new FakeDeviceSource(count);
  source.devices = source.devices.map((device, at) => ({ ...device, pciBusId: `00000000:0${at}:00.0` }));
  const known = new KnownDevices(source, { log: silentLogger, monotonicMs: () => now.ms });
  return { now, source, known, all: source.devices };
}

test("what the driver says of a place is of the device that was there; of a GPU that it does not name, of the one that is missed", async () => {
  const { source, known, all } = world(3);
  await known.list();
  source.devices = all.slice(2);
  source.lost = [
    { id: undefined, pciBusId: "0000:01:00", why: "the GPU at 0000:01:00 does not answer" },
    { id: undefined, pciBusId: "", why: "GPU 0 does not answer" },
  ];
  expect((await known.list()).lost).toEqual([
    { id: "gpu-1", pciBusId: "00000000:00:00.0", why: expect.stringContaining("(GPU 0 does not answer)") },
    { id: "gpu-2", pciBusId: "00000000:01:00.0", why: "the GPU at 0000:01:00 does not answer" },
  ]);
});

test("more that do not answer than are missed are told without a name", async () => {
  const { source, known } = world(1);
  await known.list();
  source.lost = [{ id: undefined, pciBusId: "", why: "GPU 1 does not answer" }];
  expect(await known.list()).toMatchObject({
    devices: [{ id: "gpu-1" }],
    lost: [{ id: undefined, why: "GPU 1 does not answer" }],
  });
});

test("a slice that its GPU is no longer cut into is told of for an hour, and a GPU that is lost for ever", async () => {
  const { now, source, known, all } = world(2);
  const [first, second] = all;
  if (!first || !second) throw new Error("two devices");
  const slice = (name: string) => ({ ...first, id: asDeviceId(name), parentId: first.id });
  source.devices = [slice("MIG-a"), slice("MIG-b"), second];
  await known.list();
  source.devices = [slice("MIG-c")];
  const { devices, lost } = await known.list();
  expect(devices.map(({ id }) => id)).toEqual(["MIG-a", "MIG-b", "gpu-2", "MIG-c"]);
  expect(lost.map(({ id }) => id)).toEqual(["MIG-a", "MIG-b", "gpu-2"]);
  expect(lost[0]?.why).toMatch(/it was cut otherwise/);
  now.ms = HOUR_MS + 1;
  expect((await known.list()).lost.map(({ id }) => id)).toEqual(["gpu-2"]);
});

test("slices of a GPU that has none any more are told of for an hour as well, and come back when they are cut again", async () => {
  const { now, source, known, all } = world(1);
  const [gpu] = all;
  if (!gpu) throw new Error("one device");
  const slice = { ...gpu, id: asDeviceId("MIG-a"), parentId: gpu.id };
  source.devices = [slice];
  await known.list();
  source.devices = [];
  source.lost = [{ id: gpu.id, pciBusId: gpu.pciBusId, why: "it has no slices", isUncut: true }];
  const { lost } = await known.list();
  expect(lost).toMatchObject([{ id: "MIG-a", why: expect.stringMatching(/it was cut otherwise/) }, { id: "gpu-1" }]);
  now.ms = HOUR_MS + 1;
  source.devices = [{ ...gpu, id: asDeviceId("MIG-b"), parentId: gpu.id }];
  source.lost = [];
  expect(await known.list()).toMatchObject({ devices: [{ id: "MIG-b" }], lost: [] });
});

test("slices of a GPU that has none are forgotten after an hour, and those of one that does not answer never", async () => {
  const { now, source, known, all } = world(3);
  const [first, second, third] = all;
  if (!first || !second || !third) throw new Error("three devices");
  const slices = [first, second].map((gpu) => ({ ...gpu, id: asDeviceId(`MIG-of-${gpu.id}`), parentId: gpu.id }));
  source.devices = [...slices, third];
  await known.list();
  source.devices = [third];
  source.lost = [
    { id: first.id, pciBusId: first.pciBusId, why: "it has no slices", isUncut: true },
    { id: second.id, pciBusId: second.pciBusId, why: "it does not answer" },
  ];
  now.ms = HOUR_MS + 1;
  expect((await known.list()).devices.map(({ id }) => id)).toEqual(["MIG-of-gpu-2", "gpu-3"]);
});

test("a fault of a GPU in slices is its own, so that it concerns them all", async () => {
  const { source, known, all } = world(1);
  source.devices = all.map((device) => ({ ...device, id: asDeviceId("MIG-a"), parentId: device.id }));
  await known.list();
  source.pendingEvents = [{ deviceId: undefined, pciBusId: "0000:00:00", xid: 79, atMs: 1, message: "" }];
  expect(known.events()).toMatchObject([{ deviceId: "gpu-1", pciBusId: "00000000:00:00.0" }]);
});

test("a threshold that wavers by a degree is one", async () => {
  const { source, known, all } = world(1);
  source.devices = all.map((device) => ({ ...device, slowdownC: 90 }));
  await known.list();
  source.devices = all.map((device) => ({ ...device, slowdownC: 91 }));
  expect((await known.list()).devices).toMatchObject([{ slowdownC: 90 }]);
  source.devices = all.map((device) => ({ ...device, slowdownC: 80 }));
  expect((await known.list()).devices).toMatchObject([{ slowdownC: 80 }]);
});
