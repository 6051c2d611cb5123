import { expect, test } from "vitest";
import { asDeviceId } from "../../base/ids.ts";
import type { DeviceEvent } from "./device-source.ts";
import { FaultPairs } from "./fault-pairs.ts";

const GPU = asDeviceId("GPU-a");
const byDriver = (xid: number, atMs: number): DeviceEvent => ({
  deviceId: GPU,
  pciBusId: "00000000:18:00.0",
  xid,
  atMs,
  message: "",
});
const byKernel = (xid: number, atMs: number): DeviceEvent => ({
  deviceId: undefined,
  pciBusId: "0000:18:00",
  xid,
  atMs,
  message: "NVRM",
});

test("what both tell at once is told once, with the device of the one and the words of the other", () => {
  expect(new FaultPairs().merge([byDriver(48, 2)], [byKernel(48, 1)])).toEqual([
    { deviceId: GPU, pciBusId: "00000000:18:00.0", xid: 48, atMs: 1, message: "NVRM" },
  ]);
});

test("whoever is first, the other one's word of the same fault is not a second one", () => {
  const kernelFirst = new FaultPairs();
  expect(kernelFirst.merge([], [byKernel(48, 0)])).toHaveLength(1);
  expect(kernelFirst.merge([byDriver(48, 9_000)], [])).toEqual([]);
  const driverFirst = new FaultPairs();
  expect(driverFirst.merge([byDriver(48, 0)], [])).toHaveLength(1);
  expect(driverFirst.merge([], [byKernel(48, 9_000)])).toEqual([]);
});

test("a fault that comes twice is told twice, and one that is told late is one of its own", () => {
  const pairs = new FaultPairs();
  expect(pairs.merge([byDriver(13, 0), byDriver(13, 1)], [byKernel(13, 0)])).toHaveLength(2);
  expect(pairs.merge([], [byKernel(13, 5)])).toEqual([]);
  expect(pairs.merge([], [byKernel(13, 6)])).toHaveLength(1);
  expect(pairs.merge([byDriver(13, 600_000)], [])).toHaveLength(1);
  expect(pairs.merge([byDriver(31, 600_000)], [])).toHaveLength(1);
});
