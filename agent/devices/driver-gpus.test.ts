import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { asDeviceId } from "../../base/ids.ts";
import { type DeviceList, UNTOLD_DEVICE } from "./device-source.ts";
import { withUntold } from "./driver-gpus.ts";

let proc: string;

beforeEach(async () => {
  proc = await mkdtemp(join(tmpdir(), "driver-gpus-"));
});

afterEach(() => rm(proc, { recursive: true, force: true }));

const UUID = "GPU-5c1a7d3e-1111-2222-3333-444444444444";

async function taken(place: string, uuid: string, more = ""): Promise<void> {
  const directory = join(proc, "driver/nvidia/gpus", place);
  await mkdir(directory, { recursive: true });
  const text = `Model: \t\t NVIDIA L4\nIRQ:   \t\t 42\nGPU UUID: \t ${uuid}\nBus Location: \t ${place}\n${more}`;
  await writeFile(join(directory, "information"), text);
}

function list(lost: DeviceList["lost"] = []): DeviceList {
  const device = { ...UNTOLD_DEVICE, id: asDeviceId("GPU-a"), model: "NVIDIA L4", memoryMb: 1, index: 0 };
  return { devices: [{ ...device, pciBusId: "00000000:18:00.0" }], links: [], lost };
}

test("a GPU that the driver has taken and of which nothing is told is lost", async () => {
  await taken("0000:18:00.0", "GPU-aaaaaaaa-1111-2222-3333-444444444444");
  await taken("0000:19:00.0", UUID);
  await taken("0000:1a:00.0", "GPU-????????-????-????-????-????????????");
  await taken("0000:1b:00.0", UUID, "GPU Excluded:\t Yes\n");
  expect((await withUntold(list(), proc)).lost).toEqual([
    { id: UUID, pciBusId: "00000000:19:00.0", why: expect.stringContaining("does not answer") },
    { id: undefined, pciBusId: "00000000:1A:00.0", why: expect.stringContaining("does not answer") },
  ]);
});

test("one that does not answer gets its place and its name, and what was said of it stays", async () => {
  await taken("0000:18:00.0", "GPU-aaaaaaaa-1111-2222-3333-444444444444");
  await taken("0000:19:00.0", UUID);
  const nameless = { id: undefined, pciBusId: "", why: "GPU 1 does not answer: the GPU is lost" };
  expect((await withUntold(list([nameless]), proc)).lost).toEqual([
    { ...nameless, id: UUID, pciBusId: "00000000:19:00.0" },
  ]);
  const both = [nameless, { ...nameless, why: "GPU 2 does not answer" }];
  expect((await withUntold(list(both), proc)).lost).toEqual(both);
  const placed = { id: undefined, pciBusId: "0000:19:00", why: "it does not answer" };
  expect((await withUntold(list([placed]), proc)).lost).toEqual([placed]);
});

test("where the driver has nothing there, nothing is added", async () => {
  expect(await withUntold(list(), proc)).toEqual(list());
});
