import { afterEach, beforeEach, expect, test } from "vitest";
import { stubGpu } from "../../../test/support/nvml/stub-nvml.ts";
import { StubProgram, tellAmdSmi } from "../../../test/support/smi/stub-program.ts";
import { AmdSmiSource } from "./amd-smi-source.ts";

const path = process.env.PATH;
let program: StubProgram;
let source: AmdSmiSource;

beforeEach(async () => {
  program = await StubProgram.create("amd-smi");
  await program.install();
  process.env.PATH = program.path(path);
  source = new AmdSmiSource("a test");
});

afterEach(async () => {
  await source.close();
  process.env.PATH = path;
  await program.remove();
});

const amd = (index: number) =>
  stubGpu(index, {
    uuid: `${index}eff74a0-0000-1000-80b5-6f47168a2b33`,
    model: "AMD Instinct MI300X",
    pciBusId: `0000:0${index}:00.0`,
  });

test("lists and reads a GPU with all that is told of it", async () => {
  await tellAmdSmi(program, [{ ...amd(5), eccCorrected: 3, processes: [{ pid: 42, memoryMb: 121_000 }] }]);
  const id = amd(5).uuid;
  expect(await source.list()).toEqual({
    devices: [
      {
        id,
        model: "AMD Instinct MI300X",
        memoryMb: 144_384,
        index: 0,
        pciBusId: "00000000:05:00.0",
        numaNode: undefined,
        island: undefined,
        slowdownC: 90,
        parentId: undefined,
        migProfile: undefined,
        eccEnabled: true,
        powerLimitW: 700,
        maxClockMhz: undefined,
      },
    ],
    links: [],
    lost: [],
  });
  expect(await source.read()).toEqual([
    {
      id,
      utilizationPercent: 40,
      memoryUtilizationPercent: 7,
      memoryUsedMb: 1_024,
      temperatureC: 50,
      slowdownMarginC: 40,
      powerW: 123.456,
      energyJ: 5_000,
      clockMhz: 1_980,
      memoryClockMhz: 3_201,
      isThrottling: false,
      eccCorrected: 3,
      eccUncorrected: 0,
      processes: [{ pid: 42, memoryMb: 121_000, kind: "compute" }],
    },
  ]);
  expect(source.driverVersion).toBe("6.16.6");
});

test("older versions have lists without a name, other places, and numbers with their units in a text", async () => {
  await program.answer("list --json", `WARNING: something\n[{"gpu": "0", "bdf": "0000:05:00.0", "uuid": "N/A"}]`);
  await program.answer(
    "static --json",
    JSON.stringify([
      {
        gpu: 0,
        asic: { market_name: "N/A" },
        board: { product_name: "MI250" },
        vram: { size: "64 GB" },
        limit: { max_power: "560 W" },
      },
    ]),
  );
  await program.answer(
    "metric --json",
    JSON.stringify([
      {
        gpu: 0,
        usage: "N/A",
        temperature: { edge: "44 C" },
        power: { average_socket_power: "90 W" },
        fb_usage: { fb_used: 12 },
      },
    ]),
  );
  await program.answer(
    "process --json",
    JSON.stringify([{ gpu: 0, process_list: [{ process_info: "No running processes detected" }] }]),
  );
  expect((await source.list()).devices).toMatchObject([
    { id: "AMD-00000000:05:00.0", model: "MI250", memoryMb: 65_536, powerLimitW: 560, eccEnabled: undefined },
  ]);
  expect(await source.read()).toMatchObject([
    { utilizationPercent: undefined, temperatureC: 44, powerW: 90, memoryUsedMb: 12, processes: [] },
  ]);
});

test("links over XGMI are told, and a tool that will not tell of processes tells of the rest", async () => {
  await tellAmdSmi(program, [amd(1), amd(2)]);
  await program.answer(
    "topology --json",
    JSON.stringify([
      {
        gpu: 0,
        links: [
          { gpu: 0, link_type: "SELF" },
          { gpu: 1, link_type: "XGMI", num_hops: 1 },
        ],
      },
      {
        gpu: 1,
        links: [
          { gpu: 0, link_type: "XGMI", num_hops: 1 },
          { gpu: 1, link_type: "SELF" },
        ],
      },
    ]),
  );
  await program.answer("process --json", { exitCode: 1, stderr: "needs elevated permissions" });
  const { links, devices } = await source.list();
  expect(links).toEqual([{ a: amd(1).uuid, b: amd(2).uuid, kind: "xgmi", lanes: 0 }]);
  expect(devices.map(({ island }) => island)).toEqual([0, 0]);
  expect((await source.read()).map(({ processes }) => processes)).toEqual([undefined, undefined]);
});

test("when one is gone, what is told is of those that are left", async () => {
  await tellAmdSmi(program, [amd(1), { ...amd(2), temperatureC: 77 }]);
  await source.list();
  await tellAmdSmi(program, [{ ...amd(2), temperatureC: 77 }]);
  expect((await source.read()).map(({ id, temperatureC }) => [id, temperatureC])).toEqual([[amd(2).uuid, 77]]);
});

test("a tool that fails says why", async () => {
  await program.answer("list --json", {
    exitCode: 255,
    stderr: "ERROR:root:Unable to detect any GPU devices, check amdgpu version and module status",
  });
  await expect(source.list()).rejects.toThrow(/exit code 255: .*Unable to detect any GPU devices/);
});
