import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stubGpu } from "../../../test/support/nvml/stub-nvml.ts";
import { nvidiaSmiListing, nvidiaSmiXml, type XmlSchema } from "../../../test/support/smi/nvidia-smi-xml.ts";
import { StubProgram, tellNvidiaSmi } from "../../../test/support/smi/stub-program.ts";
import { SourceAbsentError } from "../source-absent.ts";
import { NvidiaSmiSource } from "./nvidia-smi-source.ts";

const path = process.env.PATH;
let program: StubProgram;
let source: NvidiaSmiSource;

beforeEach(async () => {
  program = await StubProgram.create("nvidia-smi");
  await program.install();
  process.env.PATH = program.path(path);
  source = new NvidiaSmiSource("a test");
});

afterEach(async () => {
  await source.close();
  process.env.PATH = path;
  await program.remove();
});

const uuids = [0, 1, 2].map((index) => stubGpu(index).uuid);
const processes = [
  { pid: 4_711, memoryMb: 512 },
  { pid: 4_712, kind: "mps" },
  { pid: 4_713, memoryMb: 1, kind: "graphics" },
] as const;

describe.each<XmlSchema>([11, 12, 13])("as drivers of schema %i tell it", (schema) => {
  test("a GPU with all that is told of it", async () => {
    const gpu = stubGpu(0, { eccCorrected: 12, eccUncorrected: 1, isThrottling: true, processes, powerW: 123.45 });
    await tellNvidiaSmi(program, { schema, gpus: [gpu] });
    expect(await source.list()).toEqual({
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
    expect(await source.read()).toEqual([
      {
        id: uuids[0],
        utilizationPercent: 40,
        memoryUtilizationPercent: 7,
        memoryUsedMb: 1_024,
        temperatureC: 50,
        slowdownMarginC: 40,
        powerW: 123.45,
        energyJ: undefined,
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
    expect([source.driverVersion, source.cudaVersion]).toEqual(["580.95.05", "13.0"]);
  });

  test("what it does not tell is undefined", async () => {
    await tellNvidiaSmi(program, { schema, cudaVersion: "N/A", gpus: [{ uuid: "GPU-old", model: "Tesla K80" }] });
    const [reading] = await source.read();
    expect(Object.values({ ...reading, id: undefined }).filter((value) => value !== undefined)).toEqual([]);
    expect((await source.list()).devices[0]).toMatchObject({ memoryMb: 0, pciBusId: "", slowdownC: undefined });
    expect(source.cudaVersion).toBe("");
  });
});

test("slices are named by the listing, and have their own memory and processes", async () => {
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
  await tellNvidiaSmi(program, { gpus: [stubGpu(0), stubGpu(1, { migEnabled: true, slices })] });
  const { devices } = await source.list();
  expect(devices.map(({ id, parentId, migProfile, memoryMb }) => [id, parentId, migProfile, memoryMb])).toEqual([
    [uuids[0], undefined, undefined, 144_384],
    ["MIG-a", uuids[1], "3g.71gb", 71_424],
    ["MIG-b", uuids[1], "1g.18gb", 16_384],
  ]);
  expect((await source.read()).slice(1)).toMatchObject([
    {
      id: "MIG-a",
      memoryUsedMb: 10,
      utilizationPercent: undefined,
      temperatureC: 50,
      processes: [{ pid: 21, memoryMb: 9 }],
    },
    { id: "MIG-b", memoryUsedMb: 0, processes: [] },
  ]);
});

test("links are those of the table, which is underlined at the top", async () => {
  const gpus = [stubGpu(0), stubGpu(1), stubGpu(2)];
  await tellNvidiaSmi(program, { gpus });
  await program.answer(
    "topo -m",
    "\t\u001b[4mGPU0\tGPU1\tGPU2\tNIC0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\u001b[0m\nGPU0\t X \tNV12\tSYS\tPIX\t0-31\t0\t\tN/A\nGPU1\tNV12\t X \tSYS\tSYS\t0-31\t0\t\tN/A\nGPU2\tSYS\tSYS\t X \tSYS\t32-63\t1\t\tN/A\nNIC0\tPIX\tSYS\tSYS\t X \n\nLegend:\n\n  NV#  = Connection traversing a bonded set of # NVLinks\n",
  );
  const { devices, links } = await source.list();
  expect(links).toEqual([{ a: uuids[0], b: uuids[1], kind: "nvlink", lanes: 12 }]);
  expect(devices.map(({ island }) => island)).toEqual([0, 0, undefined]);
});

test.each([
  [
    "Unable to determine the device handle for GPU 0000:19:00.0: GPU is lost.  Reboot the system to recover this GPU",
    "GPU is lost",
  ],
  ["Unable to determine the device handle for GPU0000:19:00.0: Unknown Error", "Unknown Error"],
  ["Unable to determine the device handle for GPU1: 0000:19:00.0: Unknown Error", "Unknown Error"],
])("a GPU that cannot be reached is told with its place: %s", async (said, why) => {
  const xml = nvidiaSmiXml({ gpus: [stubGpu(0), stubGpu(2)], attached: 3 });
  await program.answer("-q -x", { stdout: `${said}\n${xml}`, exitCode: 15 });
  const { devices, lost } = await source.list();
  expect(devices.map(({ id }) => id)).toEqual([uuids[0], uuids[2]]);
  expect(lost).toEqual([{ id: undefined, pciBusId: "00000000:19:00.0", why: expect.stringContaining(why) }]);
});

test("a GPU whose name is an error is lost, and one that is only counted, too", async () => {
  const broken = { ...stubGpu(1), uuid: "[Unknown Error]" };
  await tellNvidiaSmi(program, { gpus: [stubGpu(0), broken], attached: 3 });
  const { devices, lost } = await source.list();
  expect(devices.map(({ id }) => id)).toEqual([uuids[0]]);
  expect(lost.map(({ pciBusId }) => pciBusId)).toEqual(["00000000:19:00.0", ""]);
});

test("an answer that breaks off tells of the GPUs before, and no entity is resolved", async () => {
  const xml = nvidiaSmiXml({ gpus: [stubGpu(0), stubGpu(1)] });
  await program.answer("-q -x", xml.slice(0, xml.lastIndexOf("<clocks>")));
  expect((await source.list()).devices.map(({ id }) => id)).toEqual([uuids[0]]);
  await program.answer("-q -x", xml.replace("Stub H200", "&xxe;"));
  const { devices, lost } = await source.list();
  expect(devices.map(({ id }) => id)).toEqual([uuids[1]]);
  expect(lost[0]?.why).toMatch(/cannot be read/);
});

test.each([
  [
    9,
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
    /the driver is not loaded.*communicate/,
    true,
  ],
  [12, "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.", /NVML was not found/, true],
  [6, "No devices were found", /No devices were found/, true],
  [14, "infoROM", /infoROM is corrupted/, false],
  [15, "", /fallen off the bus/, false],
  [
    255,
    "Failed to initialize NVML: Driver/library version mismatch",
    /exit code 255: Failed to initialize NVML/,
    false,
  ],
])("exit code %i is a sentence", async (exitCode, stdout, sentence, isAbsent) => {
  await program.answer("-q -x", { stdout, exitCode });
  const error = await source.list().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ message: expect.stringMatching(sentence) });
  expect(error instanceof SourceAbsentError).toBe(isAbsent);
});

test("one that hangs is killed when its source is closed", async () => {
  await program.answer("-q -x", { hangs: true });
  const listed = source.list();
  await expect.poll(() => readFile(program.pidFile, "utf8").catch(() => "")).not.toBe("");
  await Promise.all([expect(listed).rejects.toThrow("nvidia-smi failed: it was ended by SIGKILL"), source.close()]);
});

test("without the program, that is said", async () => {
  await program.uninstall();
  process.env.PATH = program.path("");
  await expect(source.list()).rejects.toThrow("nvidia-smi is not installed");
});

test("the listing is asked for where there are slices alone", async () => {
  await tellNvidiaSmi(program, { gpus: [stubGpu(0)] });
  await program.answer("-L", { hangs: true });
  expect((await source.list()).devices).toHaveLength(1);
  expect(nvidiaSmiListing([stubGpu(0)])).toContain(uuids[0]);
});
