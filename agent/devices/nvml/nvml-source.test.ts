import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../../../base/logger.ts";
import { discoverDevices } from "../discover.ts";
import { UNTOLD_DEVICE, UNTOLD_READING } from "../device-source.ts";
import { NvmlSource } from "./nvml-source.ts";

/** Three GPUs. What they do is read from the file that STUB_MODE_FILE names, anew for every call. */
const STUB = String.raw`
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int mode(const char *wanted) {
  char text[32] = "";
  const char *path = getenv("STUB_MODE_FILE");
  FILE *file = path ? fopen(path, "r") : NULL;
  if (!file) return 0;
  if (!fgets(text, sizeof text, file)) text[0] = 0;
  fclose(file);
  return strcmp(text, wanted) == 0;
}
static long index_of(void *device) { return (long)device - 1; }
int nvmlInit_v2(void) { return mode("not-loaded") ? 9 : mode("mismatch") ? 18 : 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = mode("empty") ? 0 : 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
  if (mode("hang")) sleep(600);
  if (mode("crash")) abort();
  if (mode("all-lost") || (mode("lost") && index == 1)) return 15;
  *device = (void *)(long)(index + 1);
  return 0;
}
int nvmlDeviceGetUUID(void *device, char *text, unsigned size) {
  snprintf(text, size, "GPU-%08ld-aaaa-bbbb-cccc-000000000000", index_of(device));
  return 0;
}
int nvmlDeviceGetName(void *device, char *text, unsigned size) { snprintf(text, size, "Stub H200"); return 0; }
typedef struct { unsigned long long total, free, used; } memory;
int nvmlDeviceGetMemoryInfo(void *device, memory *out) {
  out->total = 141ull << 30; out->used = (unsigned long long)(index_of(device) + 1) << 30; out->free = out->total - out->used;
  return 0;
}
typedef struct { char legacy[16]; unsigned domain, bus, device, id, sub; char bus_id[32]; } pci;
int nvmlDeviceGetPciInfo_v3(void *device, pci *out) {
  memset(out, 0, sizeof *out);
  snprintf(out->bus_id, 32, "00000000:%02lX:00.0", index_of(device) + 0x18);
  return 0;
}
typedef struct { unsigned gpu, memory; } utilization;
int nvmlDeviceGetUtilizationRates(void *device, utilization *out) {
  if (index_of(device) == 2) return 3;
  out->gpu = 40 + index_of(device); out->memory = 7;
  return 0;
}
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *out) { *out = 50 + index_of(device); return sensor; }
int nvmlDeviceGetPowerUsage(void *device, unsigned *out) { *out = 123456; return 0; }
int nvmlDeviceGetTemperatureThreshold(void *device, int which, unsigned *out) {
  if (index_of(device) == 2) return 3;
  *out = which == 1 ? 90 : 0;
  return 0;
}
int nvmlDeviceGetP2PStatus(void *a, void *b, int which, unsigned *out) {
  *out = which == 2 && index_of(a) == 0 && index_of(b) == 2 ? 0 : 3;
  return 0;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *out) {
  *out = index_of(device) == 0 ? 0x40 : 0x84;
  return 0;
}
int nvmlSystemGetDriverVersion(char *text, unsigned size) { snprintf(text, size, "570.01"); return 0; }
`;

const hasCompiler = spawnSync("cc", ["--version"]).status === 0;

let dir: string;
let modeFile: string;
let source: NvmlSource | undefined;

beforeAll(async () => {
  if (!hasCompiler) return;
  dir = await mkdtemp(join(tmpdir(), "nvml-"));
  modeFile = join(dir, "mode");
  await writeFile(join(dir, "stub.c"), STUB);
  execFileSync("cc", ["-shared", "-fPIC", "-w", "-o", join(dir, "libnvidia-ml.so.1"), join(dir, "stub.c")]);
  process.env.GPUSCHED_NVML_LIBRARY = join(dir, "libnvidia-ml.so.1");
  process.env.STUB_MODE_FILE = modeFile;
});

beforeEach(({ skip }) => skip(!hasCompiler, "the tests of NVML need a C compiler: install gcc"));

afterEach(async () => {
  await source?.close();
  source = undefined;
});

afterAll(async () => {
  if (!hasCompiler) return;
  delete process.env.GPUSCHED_NVML_LIBRARY;
  delete process.env.STUB_MODE_FILE;
  await rm(dir, { recursive: true, force: true });
});

async function open(mode: string): Promise<NvmlSource> {
  await writeFile(modeFile, mode);
  source = new NvmlSource(silentLogger);
  return source;
}

const uuid = (index: number): string => `GPU-0000000${index}-aaaa-bbbb-cccc-000000000000`;

test("lists the devices with what the driver tells of them", async () => {
  const nvml = await open("well");
  const { devices } = await nvml.list();
  expect(devices.map(({ id }) => id)).toEqual([0, 1, 2].map(uuid));
  expect(devices[1]).toEqual({
    ...UNTOLD_DEVICE,
    id: uuid(1),
    model: "Stub H200",
    memoryMb: 144_384,
    index: 1,
    pciBusId: "00000000:19:00.0",
    slowdownC: 90,
  });
  expect(devices.map(({ island, slowdownC }) => [island, slowdownC])).toEqual([
    [0, 90],
    [undefined, 90],
    [0, undefined],
  ]);
  expect(nvml.driverVersion).toBe("570.01");
});

test("reads the devices; what one does not tell is undefined", async () => {
  const readings = await (await open("well")).read();
  const told = { memoryUsedMb: 1_024, temperatureC: 50, powerW: 123.456 };
  expect(readings[0]).toEqual({ ...UNTOLD_READING, id: uuid(0), utilizationPercent: 40, ...told, isThrottling: true });
  expect(readings[2]).toEqual({
    ...UNTOLD_READING,
    id: uuid(2),
    memoryUsedMb: 3_072,
    temperatureC: 52,
    powerW: 123.456,
    isThrottling: false,
  });
});

test("a lost GPU does not hide the others", async () => {
  const nvml = await open("lost");
  expect((await nvml.list()).devices.map(({ id }) => id)).toEqual([uuid(0), uuid(2)]);
  expect((await nvml.read()).map(({ id }) => id)).toEqual([uuid(0), uuid(2)]);
});

test("with every GPU lost the list fails: the host is not one without GPUs", async () => {
  await expect((await open("all-lost")).list()).rejects.toThrow(/GPU 0 does not answer: .*the GPU is lost/);
});

test.each([
  ["hang", /NVML \(list\) did not answer within 2000 ms/],
  ["crash", /NVML crashed its process \(SIGABRT\)/],
])("a driver with the fault %j fails the call alone, and is used again once it is well", async (fault, message) => {
  const nvml = await open("well");
  expect((await nvml.list()).devices).toHaveLength(3);
  await writeFile(modeFile, fault);
  await expect(nvml.list()).rejects.toThrow(message);
  await writeFile(modeFile, "well");
  await expect.poll(() => nvml.read().catch(() => []), { timeout: 15_000, interval: 100 }).toHaveLength(3);
});

test("a worker that hangs is killed, not abandoned", async () => {
  const nvml = await open("hang");
  await expect(nvml.list()).rejects.toThrow("did not answer");
  await nvml.close();
  const children = await readFile(`/proc/self/task/${process.pid}/children`, "utf8");
  const commands = children.split(" ").filter(Boolean).map(commandOf);
  expect((await Promise.all(commands)).filter((command) => command.includes("nvml/worker"))).toEqual([]);
});

test("a driver that is installed but out of order is kept, so that it is used once it recovers", async () => {
  await writeFile(modeFile, "mismatch");
  const found = await discoverDevices({ simulateGpus: undefined, log: silentLogger });
  try {
    expect(found.name).toBe("nvml");
    expect(found.reason).toMatch(/the driver and its library are of different versions/);
    await writeFile(modeFile, "well");
    await expect
      .poll(
        () =>
          found.list().then(
            ({ devices }) => devices,
            () => [],
          ),
        { timeout: 15_000, interval: 100 },
      )
      .toHaveLength(3);
    expect(found.reason).toBe("NVML answers");
  } finally {
    await found.close();
  }
});

test.each([
  ["not-loaded", /the driver is not loaded/],
  ["empty", /nvml lists no device/],
])("with the library but the fault %j there are no devices", async (fault, reason) => {
  await writeFile(modeFile, fault);
  const found = await discoverDevices({ simulateGpus: undefined, log: silentLogger });
  expect(found.name).toBe("none");
  expect(found.reason).toMatch(reason);
});

async function commandOf(pid: string): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
}
