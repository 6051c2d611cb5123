import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { capacity, readBootId, telemetryToProto } from "./inventory.ts";
import { UNTOLD_READING } from "./devices/device-source.ts";
import { asDeviceId } from "../base/ids.ts";

const host = { cpuCores: undefined, memoryMb: undefined, simulatedGpus: 0 };

test("a node offers what its host has", () => {
  const { cpu_cores, memory_mb } = capacity(host);
  expect(cpu_cores).toBe(availableParallelism());
  expect(memory_mb).toBeGreaterThan(0);
  expect(Number.isInteger(memory_mb)).toBe(true);
});

test("simulated devices bring cores and memory with them, so that the documented examples fit", () => {
  const { cpu_cores, memory_mb } = capacity({ ...host, simulatedGpus: 100 });
  expect({ cpu_cores, memory_mb }).toEqual({ cpu_cores: 800, memory_mb: 6_553_600 });
});

test("what the operator says wins", () => {
  expect(capacity({ cpuCores: 3, memoryMb: 512, simulatedGpus: 4 })).toEqual({ cpu_cores: 3, memory_mb: 512 });
});

test("the boot id is the kernel's", async () => {
  expect(await readBootId()).toMatch(/^[0-9a-f-]{36}$/);
});

test("what the driver does not tell is absent, not 0", () => {
  expect(telemetryToProto({ id: asDeviceId("GPU-a"), ...UNTOLD_READING })).toEqual({ id: "GPU-a" });
  expect(
    telemetryToProto({
      ...UNTOLD_READING,
      id: asDeviceId("GPU-a"),
      utilizationPercent: 0,
      memoryUsedMb: 1.6,
      temperatureC: 40,
      powerW: 71.5,
      isThrottling: true,
    }),
  ).toEqual({
    id: "GPU-a",
    utilization_percent: 0,
    memory_used_mb: 2,
    temperature_c: 40,
    power_w: 71.5,
    throttling: true,
  });
  expect(
    telemetryToProto({
      ...UNTOLD_READING,
      id: asDeviceId("GPU-a"),
      memoryUtilizationPercent: 7.4,
      clockMhz: 1_980,
      memoryClockMhz: 3_201,
      energyJ: 0.5,
      slowdownMarginC: -1.2,
      eccCorrected: 0,
      eccUncorrected: 2,
      processes: [{ pid: 1, memoryMb: 1, kind: "compute" }],
    }),
  ).toEqual({
    id: "GPU-a",
    memory_utilization_percent: 7,
    clock_mhz: 1_980,
    memory_clock_mhz: 3_201,
    energy_j: 0.5,
    slowdown_margin_c: -1,
    ecc_corrected: 0,
    ecc_uncorrected: 2,
  });
});
