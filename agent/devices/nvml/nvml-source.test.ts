import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../../../base/logger.ts";
import { type StubDriver, StubNvml, stubGpu, whyNoStubNvml } from "../../../test/support/nvml/stub-nvml.ts";
import { UNTOLD_READING } from "../device-source.ts";
import { NvmlSource } from "./nvml-source.ts";

let stub: StubNvml;
let source: NvmlSource | undefined;

beforeAll(async () => {
  if (whyNoStubNvml !== undefined) return;
  stub = await StubNvml.build();
  process.env.GPUSCHED_NVML_LIBRARY = stub.libraryPath;
});

beforeEach(({ skip }) => skip(whyNoStubNvml !== undefined, whyNoStubNvml));

afterEach(async () => {
  await source?.close();
  source = undefined;
});

afterAll(async () => {
  delete process.env.GPUSCHED_NVML_LIBRARY;
  await stub?.remove();
});

async function open(driver: StubDriver): Promise<NvmlSource> {
  await stub.install(driver);
  source = new NvmlSource(silentLogger);
  return source;
}

const three = [stubGpu(0), stubGpu(1), stubGpu(2)];
const uuids = three.map(({ uuid }) => uuid);

test("lists a device with all that the driver tells of it", async () => {
  const nvml = await open({ gpus: [stubGpu(0)], cudaVersion: 13_000, driverVersion: "580.95.05" });
  expect(await nvml.list()).toEqual({
    devices: [
      {
        id: uuids[0],
        model: "Stub H200",
        memoryMb: 144_384,
        index: 0,
        pciBusId: "00000000:18:00.0",
        numaNode: undefined,
        island: undefined,
        slowdownC: 90,
        parentId: undefined,
        migProfile: undefined,
        eccEnabled: true,
        powerLimitW: 700,
        maxClockMhz: 1_980,
      },
    ],
    links: [],
    lost: [],
  });
  expect([nvml.driverVersion, nvml.cudaVersion]).toEqual(["580.95.05", "13.0"]);
});

test("reads a device with all that the driver tells of it", async () => {
  const processes = [
    { pid: 4_711, memoryMb: 512 },
    { pid: 4_712 },
    { pid: 4_713, memoryMb: 1, kind: "graphics" },
  ] as const;
  const gpu = stubGpu(0, { eccCorrected: 12, eccUncorrected: 1, isThrottling: true, processes });
  expect(await (await open({ gpus: [gpu] })).read()).toEqual([
    {
      id: uuids[0],
      utilizationPercent: 40,
      memoryUtilizationPercent: 7,
      memoryUsedMb: 1_024,
      temperatureC: 50,
      slowdownMarginC: 40,
      powerW: 123.456,
      energyJ: 5_000,
      clockMhz: 1_980,
      memoryClockMhz: 3_201,
      isThrottling: true,
      eccCorrected: 12,
      eccUncorrected: 1,
      processes: [
        { pid: 4_711, memoryMb: 512, kind: "compute" },
        { pid: 4_712, memoryMb: undefined, kind: "compute" },
        { pid: 4_713, memoryMb: 1, kind: "graphics" },
      ],
    },
  ]);
});

test("what a driver does not tell is undefined, and never 0", async () => {
  const nvml = await open({ gpus: [{ uuid: "GPU-old", model: "Tesla K80" }] });
  expect((await nvml.list()).devices).toMatchObject([
    { id: "GPU-old", memoryMb: 0, pciBusId: "", slowdownC: undefined, eccEnabled: undefined, powerLimitW: undefined },
  ]);
  expect(await nvml.read()).toEqual([{ ...UNTOLD_READING, id: "GPU-old", processes: [] }]);
});

test("where the driver tells only one of margin and threshold, the other follows", async () => {
  const nvml = await open({
    gpus: [stubGpu(0, { slowdownC: undefined, slowdownMarginC: 33 }), stubGpu(1, { slowdownMarginC: undefined })],
  });
  expect((await nvml.list()).devices.map(({ slowdownC }) => slowdownC)).toEqual([83, 90]);
  expect((await nvml.read()).map(({ slowdownMarginC }) => slowdownMarginC)).toEqual([33, 40]);
});

test("a driver that knows only the older question for processes is asked that, and one without any tells none", async () => {
  const newest = "nvmlDeviceGetComputeRunningProcesses_v3";
  const gpus = [stubGpu(0, { processes: [{ pid: 7, memoryMb: 3 }] })];
  const nvml = await open({ gpus, faults: [{ function: newest, does: 13 }] });
  expect((await nvml.read())[0]?.processes).toEqual([{ pid: 7, memoryMb: 3, kind: "compute" }]);
  await stub.write({ gpus, faults: [{ function: newest, does: 4 }] });
  expect((await nvml.read())[0]?.processes).toBeUndefined();
});

test("however many processes there are, all are told, each once", async () => {
  const pids = Array.from({ length: 200 }, (_, at) => 1_000 + at);
  const own = pids.map((pid) => ({ pid, memoryMb: 1 }));
  const nvml = await open({
    gpus: [stubGpu(0, { processes: [...own, { pid: 1_005, kind: "mps" }, { pid: 9, kind: "mps" }] })],
  });
  expect((await nvml.read())[0]?.processes?.map(({ pid }) => pid)).toEqual([...pids, 9]);
});

test("16 devices, and models with letters of any script", async () => {
  const gpus = Array.from({ length: 16 }, (_, index) => stubGpu(index, { model: `NVIDIA Überkarte 超 ${index} ⚡` }));
  const { devices } = await (await open({ gpus })).list();
  expect(devices.map(({ model }) => model)).toEqual(gpus.map(({ model }) => model));
  expect(new Set(devices.map(({ id }) => id)).size).toBe(16);
});

test("links of two GPUs are counted, and those through switches are as many as the one with fewer has", async () => {
  const pci = three.map(({ pciBusId = "" }) => pciBusId);
  const toGpu = (at: number) => ({ kind: "gpu", pciBusId: pci[at] ?? "" }) as const;
  const toSwitch = { kind: "switch", pciBusId: "00000000:01:00.0" } as const;
  const nvml = await open({
    gpus: [
      stubGpu(0, { links: [toGpu(1), toGpu(1), toGpu(1), toGpu(1)] }),
      stubGpu(1, { links: [toGpu(0), toGpu(0), toGpu(0), toGpu(0)] }),
      stubGpu(2, { links: [toSwitch, toSwitch] }),
      stubGpu(3, { links: [toSwitch] }),
      stubGpu(4),
    ],
  });
  const { devices, links } = await nvml.list();
  const ids = devices.map(({ id }) => id);
  expect(links).toEqual([
    { a: ids[0], b: ids[1], kind: "nvlink", lanes: 4 },
    { a: ids[2], b: ids[3], kind: "nvswitch", lanes: 1 },
  ]);
  expect(devices.map(({ island }) => island)).toEqual([0, 0, 1, 1, undefined]);
});

test("a GPU in slices is none itself: its slices are, with its heat, its errors and their own memory and processes", async () => {
  const slices = [
    {
      uuid: "MIG-a",
      profile: "3g.71gb",
      memoryMb: 71_424,
      memoryUsedMb: 10,
      instance: 1,
      processes: [{ pid: 21, memoryMb: 9 }],
    },
    { uuid: "MIG-b", profile: "1g.18gb", memoryMb: 16_384, instance: 7 },
  ];
  const nvml = await open({ gpus: [stubGpu(0), stubGpu(1, { migEnabled: true, slices, eccUncorrected: 2 })] });
  const { devices } = await nvml.list();
  expect(
    devices.map(({ id, parentId, migProfile, memoryMb, index }) => [id, parentId, migProfile, memoryMb, index]),
  ).toEqual([
    [uuids[0], undefined, undefined, 144_384, 0],
    ["MIG-a", uuids[1], "3g.71gb", 71_424, 1],
    ["MIG-b", uuids[1], "1g.18gb", 16_384, 1],
  ]);
  expect(await nvml.read()).toMatchObject([
    { id: uuids[0] },
    {
      id: "MIG-a",
      memoryUsedMb: 10,
      utilizationPercent: undefined,
      temperatureC: 50,
      eccUncorrected: 2,
      processes: [{ pid: 21, memoryMb: 9, kind: "compute" }],
    },
    { id: "MIG-b", memoryUsedMb: 0, processes: [] },
  ]);
  await stub.write({ gpus: [stubGpu(0), stubGpu(1, { migEnabled: true })] });
  const uncut = await nvml.list();
  expect(uncut.devices).toHaveLength(1);
  expect(uncut.lost).toEqual([
    { id: uuids[1], pciBusId: "00000000:19:00.0", why: expect.stringContaining("has none"), isUncut: true },
  ]);
});

test("faults are told once, with the device or the slice that they happened in", async () => {
  const slices = [{ uuid: "MIG-a", profile: "1g.18gb", memoryMb: 16_384, instance: 5 }];
  const nvml = await open({
    gpus: [stubGpu(0), stubGpu(1, { migEnabled: true, slices }), stubGpu(2, { hasEvents: false })],
  });
  await nvml.read();
  expect(nvml.events()).toEqual([]);
  for (const xid of [13, 31, 43, 48, 63, 74, 79, 94, 95, 119]) await stub.xid(0, xid);
  await stub.xid(1, 45);
  await stub.xid(1, 94, 5);
  await stub.xid(2, 13);
  await nvml.read();
  const events = nvml.events();
  expect(events.slice(0, 10)).toMatchObject(
    [13, 31, 43, 48, 63, 74, 79, 94, 95, 119].map((xid) => ({ deviceId: uuids[0], pciBusId: "00000000:18:00.0", xid })),
  );
  expect(events.slice(10)).toMatchObject([
    { deviceId: uuids[1], pciBusId: "00000000:19:00.0", xid: 45 },
    { deviceId: "MIG-a", pciBusId: "00000000:19:00.0", xid: 94 },
  ]);
  await nvml.read();
  expect(nvml.events()).toEqual([]);
});

test("a lost GPU does not hide the others, and is told of", async () => {
  const nvml = await open({ gpus: three.map((gpu, at) => ({ ...gpu, isLost: at === 1 })) });
  const { devices, lost } = await nvml.list();
  expect(devices.map(({ id }) => id)).toEqual([uuids[0], uuids[2]]);
  expect(lost).toEqual([
    { id: undefined, pciBusId: "", why: expect.stringMatching(/GPU 1 does not answer: .*the GPU is lost/) },
  ]);
  expect((await nvml.read()).map(({ id }) => id)).toEqual([uuids[0], uuids[2]]);
});

test.each([
  ["hang", /NVML \(list\) did not answer within 2000 ms/],
  ["crash", /NVML crashed its process \(SIGABRT\)/],
] as const)(
  "a driver with the fault %j fails the call alone, and is used again once it is well",
  async (does, message) => {
    const nvml = await open({ gpus: three });
    expect((await nvml.list()).devices).toHaveLength(3);
    await stub.write({ gpus: three, faults: [{ function: "nvmlDeviceGetHandleByIndex_v2", does }] });
    await expect(nvml.list()).rejects.toThrow(message);
    await stub.write({ gpus: three });
    await expect.poll(() => nvml.read().catch(() => []), { timeout: 15_000, interval: 100 }).toHaveLength(3);
  },
);

test("a worker that hangs is killed, not abandoned", async () => {
  const nvml = await open({
    gpus: three,
    faults: [{ function: "nvmlDeviceGetHandleByIndex_v2", does: "hang", gpu: 1 }],
  });
  await expect(nvml.list()).rejects.toThrow("did not answer");
  await nvml.close();
  const children = await readFile(`/proc/self/task/${process.pid}/children`, "utf8");
  const commands = await Promise.all(children.split(" ").filter(Boolean).map(commandOf));
  expect(commands.filter((command) => command.includes("nvml/worker"))).toEqual([]);
});

async function commandOf(pid: string): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
}
