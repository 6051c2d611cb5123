import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../../base/logger.ts";
import { type DeviceSource, UNTOLD_DEVICE, UNTOLD_READING } from "./device-source.ts";
import { discoverDevices } from "./discover.ts";
import { NvidiaSmiSource } from "./nvidia-smi.ts";

let dir: string;
let source: DeviceSource | undefined;
const path = process.env.PATH;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "devices-"));
  process.env.GPUSCHED_NVML_LIBRARY = join(dir, "libnvidia-ml.so.1");
  process.env.PATH = `${dir}${delimiter}${path}`;
});

afterEach(async () => {
  await source?.close();
  source = undefined;
  process.env.PATH = path;
  delete process.env.GPUSCHED_NVML_LIBRARY;
  await rm(dir, { recursive: true, force: true });
});

async function discover(simulateGpus?: { count: number; memoryMb: number }): Promise<DeviceSource> {
  source = await discoverDevices({ simulateGpus, log: silentLogger });
  return source;
}

async function stubNvidiaSmi(script: string): Promise<void> {
  await writeFile(join(dir, "nvidia-smi"), `#!/bin/sh\n${script}\n`);
  await chmod(join(dir, "nvidia-smi"), 0o755);
}

const GOOD = "0, GPU-aaaa, NVIDIA L4, 23034, 00000000:18:00.0, 37, 512, 61, 72.13, 570.01, Not Active, Active, 27";
const SILENT =
  "1, GPU-bbbb, NVIDIA L4, [N/A], 00000000:19:00.0, [N/A], [Unknown Error], [N/A], [N/A], 570.01, [N/A], [N/A], [N/A]";
const LOST = "Unable to determine the device handle for GPU 0000:1A:00.0: GPU is lost.";

test("devices to simulate are not looked for", async () => {
  await stubNvidiaSmi(`echo '${GOOD}'`);
  const simulated = await discover({ count: 2, memoryMb: 81_920 });
  expect(simulated.name).toBe("simulated");
  expect((await simulated.list()).devices.map(({ id, memoryMb }) => [id, memoryMb])).toEqual([
    ["gpu-1", 81_920],
    ["gpu-2", 81_920],
  ]);
  expect((await simulated.read()).map(({ utilizationPercent }) => utilizationPercent)).toEqual([0, 0]);
});

test("without NVML, nvidia-smi is used, and the reason says why", async () => {
  await stubNvidiaSmi(`echo '${GOOD}'; echo '${SILENT}'; echo '${LOST}'; exit 15`);
  const found = await discover();
  expect(found.name).toBe("nvidia-smi");
  expect(found.reason).toMatch(/cannot load .*libnvidia-ml.so.1/);
  expect(found.driverVersion).toBe("570.01");
  const at = { ...UNTOLD_DEVICE, model: "NVIDIA L4" };
  expect((await found.list()).devices).toEqual([
    { id: "GPU-aaaa", ...at, memoryMb: 23_034, index: 0, pciBusId: "00000000:18:00.0", slowdownC: 88 },
    { id: "GPU-bbbb", ...at, memoryMb: 0, index: 1, pciBusId: "00000000:19:00.0", slowdownC: undefined },
  ]);
  expect(await found.read()).toEqual([
    {
      ...UNTOLD_READING,
      id: "GPU-aaaa",
      utilizationPercent: 37,
      memoryUsedMb: 512,
      temperatureC: 61,
      powerW: 72.13,
      isThrottling: true,
    },
    { id: "GPU-bbbb", ...UNTOLD_READING },
  ]);
});

test("an older nvidia-smi is asked for what it knows", async () => {
  const short = GOOD.split(", ").slice(0, -1).join(", ");
  await stubNvidiaSmi(
    `case "$1" in *tlimit*) echo 'Field "temperature.gpu.tlimit" is not a valid field to query.'; exit 2;; esac; echo '${short}'`,
  );
  const found = await discover();
  expect((await found.list()).devices).toMatchObject([{ id: "GPU-aaaa", slowdownC: undefined }]);
  expect(await found.read()).toMatchObject([{ id: "GPU-aaaa", isThrottling: true }]);
  const bare = GOOD.split(", ").slice(0, 10).join(", ");
  await stubNvidiaSmi(
    `case "$1" in *throttle*) echo 'Field "x" is not a valid field to query.'; exit 2;; esac; echo '${bare}'`,
  );
  expect(await new NvidiaSmiSource("").read()).toMatchObject([{ temperatureC: 61, isThrottling: undefined }]);
});

test("without either there are no devices, and the reason names both", async () => {
  process.env.PATH = dir;
  const found = await discover();
  expect(found.name).toBe("none");
  expect(found.reason).toMatch(/libnvidia-ml.so.1.*nvidia-smi is not installed/);
  expect((await found.list()).devices).toEqual([]);
});

test("an nvidia-smi that fails says why", async () => {
  await stubNvidiaSmi("echo 'NVIDIA-SMI has failed: no driver'; exit 9");
  expect((await discover()).reason).toMatch(/nvidia-smi failed: NVIDIA-SMI has failed: no driver/);
});

test("an nvidia-smi that hangs is killed when its source is closed", async () => {
  await stubNvidiaSmi(`echo $$ > ${join(dir, "pid")}; exec sleep 600`);
  const hanging = new NvidiaSmiSource("");
  await Promise.all([expect(hanging.list()).rejects.toThrow("nvidia-smi did not answer"), hanging.close()]);
});
