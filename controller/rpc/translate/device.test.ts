import { expect, test } from "vitest";
import { asDeviceId } from "../../../base/ids.ts";
import type { Device__Output } from "../../../proto/generated/gpusched/v1/Device.ts";
import type { DeviceTelemetry__Output } from "../../../proto/generated/gpusched/v1/DeviceTelemetry.ts";
import { fromDevice, fromReading, toDevice, toLink, toReading } from "./device.ts";

const bare: Device__Output = {
  id: "gpu-1",
  model: "A",
  memory_mb: 1,
  index: 0,
  pci_bus_id: "",
  parent_id: "",
  mig_profile: "",
};
const full: Device__Output = {
  ...bare,
  numa_node: 1,
  nvlink_island: 0,
  slowdown_c: 90,
  parent_id: "GPU-a",
  mig_profile: "1g.10gb",
  ecc_enabled: false,
  power_limit_w: 700,
  max_clock_mhz: 1_980,
};
const reading: DeviceTelemetry__Output = {
  id: "gpu-1",
  utilization_percent: 1,
  memory_used_mb: 2,
  temperature_c: 3,
  power_w: 4.5,
  throttling: true,
  memory_utilization_percent: 6,
  clock_mhz: 7,
  memory_clock_mhz: 8,
  energy_j: 9.5,
  slowdown_margin_c: -1,
  ecc_corrected: 11,
  ecc_uncorrected: 12,
};

test.each([bare, full])("a device comes through the core unchanged", (device) => {
  expect(fromDevice(toDevice(device))).toStrictEqual(device);
});

test.each([reading, { id: "gpu-1", throttling: false }])("a reading comes through the core unchanged", (message) => {
  expect(fromReading(toReading(message))).toStrictEqual(message);
});

test("what was not told has no place in a row", () => {
  expect(toDevice(bare)).toStrictEqual({ id: asDeviceId("gpu-1"), model: "A", memoryMb: 1, index: 0, pciBusId: "" });
});

test("a link is of two devices", () => {
  expect(toLink({ a: "gpu-1", b: "gpu-2", kind: "nvlink", lanes: 18 })).toEqual({
    a: "gpu-1",
    b: "gpu-2",
    kind: "nvlink",
    lanes: 18,
  });
});
