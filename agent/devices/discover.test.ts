import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../../base/logger.ts";
import {
  DRIVER_NOT_LOADED,
  StubNvml,
  stubGpu,
  VERSION_MISMATCH,
  whyNoStubNvml,
} from "../../test/support/nvml/stub-nvml.ts";
import { StubProgram, tellAmdSmi, tellNvidiaSmi } from "../../test/support/smi/stub-program.ts";
import type { DeviceSource } from "./device-source.ts";
import { discoverDevices } from "./discover.ts";

let nvml: StubNvml;
let nvidiaSmi: StubProgram;
let amdSmi: StubProgram;
let source: DeviceSource | undefined;
let kernelLog: string;
const path = process.env.PATH;
const patience = { timeout: 20_000, interval: 50 };

beforeAll(async () => {
  if (whyNoStubNvml === undefined) nvml = await StubNvml.build();
});

beforeEach(async ({ skip }) => {
  skip(whyNoStubNvml !== undefined, whyNoStubNvml);
  nvidiaSmi = await StubProgram.create("nvidia-smi");
  amdSmi = await StubProgram.create("amd-smi");
  kernelLog = join(nvidiaSmi.pidFile, "../kmsg");
  await writeFile(kernelLog, "");
  process.env.GPUSCHED_KERNEL_LOG = kernelLog;
  process.env.GPUSCHED_NVML_LIBRARY = nvml.libraryPath;
  process.env.PATH = nvidiaSmi.path(amdSmi.path(path));
});

afterEach(async () => {
  await source?.close();
  source = undefined;
  process.env.PATH = path;
  delete process.env.GPUSCHED_NVML_LIBRARY;
  delete process.env.GPUSCHED_KERNEL_LOG;
  await nvml?.uninstall();
  await nvidiaSmi?.remove();
  await amdSmi?.remove();
});

afterAll(() => nvml?.remove());

async function discover(simulateGpus?: { count: number; memoryMb: number }): Promise<DeviceSource> {
  source = await discoverDevices({ simulateGpus, log: silentLogger });
  return source;
}

/** Lists until that is what is found: lists may fail meanwhile. */
async function listed(found: DeviceSource, ids: readonly string[]): Promise<void> {
  const ask = () =>
    found.list().then(
      ({ devices }) => devices.map(({ id }) => id),
      () => [],
    );
  await expect.poll(ask, patience).toEqual(ids);
}

/** Which source has answered, when it is asked for the devices once more. */
function sourceAsked(found: DeviceSource): Promise<string> {
  return found.list().then(
    () => found.name,
    () => "failed",
  );
}

/** The processes that hold NVML. */
async function workers(): Promise<string[]> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, "utf8");
  const commands = children
    .split(" ")
    .filter(Boolean)
    .map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
  return (await Promise.all(commands)).filter((command) => command.includes("nvml/worker"));
}

const { uuid } = stubGpu(0);

test("devices to simulate are not looked for", async () => {
  await nvml.install({ gpus: [stubGpu(0)] });
  const simulated = await discover({ count: 2, memoryMb: 81_920 });
  expect(simulated.name).toBe("simulated");
  expect((await simulated.list()).devices.map(({ id, memoryMb }) => [id, memoryMb])).toEqual([
    ["gpu-1", 81_920],
    ["gpu-2", 81_920],
  ]);
  expect((await simulated.read()).map(({ utilizationPercent }) => utilizationPercent)).toEqual([0, 0]);
});

test("NVML comes first, then nvidia-smi, then amd-smi, and the reason says why", async () => {
  await amdSmi.install();
  await tellAmdSmi(amdSmi, [stubGpu(7, { uuid: "amd-uuid" })]);
  const amd = await discover();
  expect(amd.name).toBe("amd-smi");
  expect(amd.reason).toMatch(/^amd-smi answers; cannot load .*libnvidia-ml.so.1.*; nvidia-smi is not installed$/);
  await listed(amd, ["amd-uuid"]);
  await amd.close();

  await nvidiaSmi.install();
  await tellNvidiaSmi(nvidiaSmi, { gpus: [stubGpu(0)] });
  const byProgram = await discover();
  expect([byProgram.name, byProgram.driverVersion]).toEqual(["nvidia-smi", "580.95.05"]);
  expect(byProgram.reason).toMatch(/^nvidia-smi answers; cannot load/);
  await byProgram.close();

  await nvml.install({ gpus: [stubGpu(0)] });
  const byLibrary = await discover();
  expect([byLibrary.name, byLibrary.reason, byLibrary.cudaVersion]).toEqual(["nvml", "NVML answers", "12.8"]);
});

test("without any there are no devices, and the reason names all", async () => {
  const found = await discover();
  expect(found.name).toBe("none");
  expect(found.reason).toMatch(/libnvidia-ml.so.1.*nvidia-smi is not installed; amd-smi is not installed/);
  expect(await found.list()).toEqual({ devices: [], links: [], lost: [] });
});

test("a driver that comes later is found, however it comes", async () => {
  const found = await discover();
  await nvml.install({ gpus: [], faults: [DRIVER_NOT_LOADED] });
  await found.list();
  expect([found.name, found.reason]).toEqual(["none", expect.stringContaining("the driver is not loaded")]);
  await nvml.write({ gpus: [stubGpu(0)], driverVersion: "580.1" });
  await listed(found, [uuid]);
  expect([found.name, found.reason, found.driverVersion]).toEqual(["nvml", "NVML answers", "580.1"]);
});

test("a driver that is unloaded takes its devices with it, told as lost, until it is loaded again", async () => {
  await nvml.install({ gpus: [stubGpu(0)] });
  const found = await discover();
  await nvml.write({ gpus: [stubGpu(0)], faults: [DRIVER_NOT_LOADED] });
  await expect.poll(() => sourceAsked(found), patience).toBe("none");
  expect((await found.list()).lost).toMatchObject([{ id: uuid }]);
  expect(found.reason).toMatch(/the driver is not loaded.*1 device is lost/);
  await nvml.write({ gpus: [stubGpu(0)] });
  await expect
    .poll(
      () =>
        found.list().then(
          ({ lost }) => lost,
          () => "failed",
        ),
      patience,
    )
    .toEqual([]);
  expect(found.name).toBe("nvml");
});

test("closing does not wait for a driver that hangs while it is looked for, and leaves nothing behind", async () => {
  const found = await discover();
  await nvml.install({ gpus: [stubGpu(0)], faults: [{ does: "hang" }] });
  const listing = found.list().catch((error: unknown) => error);
  await expect.poll(workers, patience).toHaveLength(1);
  await found.close();
  expect(await workers()).toEqual([]);
  expect(await listing).toMatchObject({ message: expect.any(String) });
});

test("a library without a device is no driver, until there is one", async () => {
  await nvml.install({ gpus: [] });
  const found = await discover();
  expect([found.name, found.reason]).toEqual(["none", expect.stringContaining("nvml lists no device")]);
  await nvml.write({ gpus: [stubGpu(0)] });
  await listed(found, [uuid]);
});

test("a driver that is out of order is kept, so that it is used once it recovers", async () => {
  await nvml.install({ gpus: [stubGpu(0)], faults: [VERSION_MISMATCH] });
  const found = await discover();
  expect([found.name, found.reason]).toEqual(["nvml", expect.stringContaining("are of different versions")]);
  await expect(found.list()).rejects.toThrow("are of different versions");
  await nvml.write({ gpus: [stubGpu(0)] });
  await listed(found, [uuid]);
  expect(found.reason).toBe("NVML answers");
});

test("while NVML is out of order, nvidia-smi takes over if it has devices", async () => {
  await nvml.install({ gpus: [stubGpu(0)] });
  await nvidiaSmi.install();
  await tellNvidiaSmi(nvidiaSmi, { gpus: [stubGpu(0)] });
  const found = await discover();
  expect(found.name).toBe("nvml");
  await nvml.write({ gpus: [stubGpu(0)], faults: [{ does: "crash" }] });
  await expect.poll(() => sourceAsked(found), { timeout: 20_000 }).toBe("nvidia-smi");
  expect(found.reason).toMatch(/crashed its process/);
});

test("a GPU that is gone stays, told as lost, whatever the indices of the others become", async () => {
  const gpus = [stubGpu(0), stubGpu(1), stubGpu(2)];
  await nvml.install({ gpus });
  const found = await discover();
  const before = (await found.list()).devices;
  await nvml.write({ gpus: gpus.map((gpu, at) => ({ ...gpu, isGone: at === 0 })) });
  const { devices, lost } = await found.list();
  expect(devices.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  expect(lost).toEqual([
    { id: uuid, pciBusId: "00000000:18:00.0", why: `${uuid} is lost: nvml does not list it any more` },
  ]);
  expect(found.reason).toMatch(/^NVML answers; 1 device is lost: GPU-00000000/);
  expect((await found.read()).map(({ id }) => id)).toEqual(before.slice(1).map(({ id }) => id));
  await nvml.write({ gpus });
  expect((await found.list()).lost).toEqual([]);
});

test("with every GPU lost they are all told, and a host that has never seen one well says so", async () => {
  await nvml.install({ gpus: [stubGpu(0)] });
  const found = await discover();
  await nvml.write({ gpus: [stubGpu(0, { isLost: true })] });
  expect((await found.list()).lost).toMatchObject([{ id: uuid, why: expect.stringContaining("the GPU is lost") }]);
  await found.close();
  const later = await discover();
  await expect(later.list()).rejects.toThrow(/GPU 0 does not answer: .*the GPU is lost/);
  expect(later.name).toBe("nvml");
});

test("a fault is told once, with its device, whether the driver or the kernel or both tell of it", async () => {
  const gpus = [stubGpu(0), stubGpu(1, { hasEvents: false })];
  await nvml.install({ gpus });
  const found = await discover();
  await found.list();
  await found.read();
  await nvml.xid(0, 48);
  await appendFile(
    kernelLog,
    "3,1,1,-;NVRM: Xid (PCI:0000:18:00): 48, pid=1, DBE\n3,2,2,-;NVRM: Xid (PCI:0000:19:00): 74, pid=1, NVLink\n",
  );
  await found.read();
  expect(found.events().map(({ deviceId, xid, message }) => [deviceId, xid, message])).toEqual([
    [uuid, 48, "NVRM: Xid (PCI:0000:18:00): 48, pid=1, DBE"],
    [stubGpu(1).uuid, 74, "NVRM: Xid (PCI:0000:19:00): 74, pid=1, NVLink"],
  ]);
  await found.read();
  expect(found.events()).toEqual([]);
});
