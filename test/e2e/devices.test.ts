/** What drivers tell of devices, from stubs of them through an agent and a controller to REST. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { killJobs } from "../support/dev-process.ts";
import { freePort } from "../support/free-port.ts";
import { DRIVER_NOT_LOADED, type StubDriver, StubNvml, stubGpu, whyNoStubNvml } from "../support/nvml/stub-nvml.ts";
import { RestClient } from "../support/rest-client.ts";
import { startRole, startRoleWith } from "../support/role-process.ts";
import { StubProgram, tellAmdSmi } from "../support/smi/stub-program.ts";

const patience = { timeout: 90_000, interval: 100 };

interface DeviceAnswer {
  readonly id: string;
  readonly [field: string]: unknown;
}

interface NodeAnswer {
  readonly device_source: string;
  readonly device_source_reason: string;
  readonly cuda_version: string | null;
  readonly driver_version: string;
  readonly devices: readonly DeviceAnswer[];
  readonly links: readonly object[];
}

let services: ServiceStack;
let directory: string;
let rest: RestClient;
let nvml: StubNvml;
let amdSmi: StubProgram;

beforeEach(async ({ skip }) => {
  skip(whyNoStubNvml !== undefined, whyNoStubNvml);
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-devices-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  services.add({ close: () => killJobs(directory) });
  nvml = await StubNvml.build();
  services.add({ close: () => nvml.remove() });
  amdSmi = await StubProgram.create("amd-smi");
  services.add({ close: () => amdSmi.remove() });
  const grpc = `127.0.0.1:${await freePort()}`;
  services.add(startRole("controller", "--listen", grpc, "--data-dir", join(directory, "controller")));
  const gateway = services.add(startRole("gateway", "--listen", "127.0.0.1:0", "--controllers", grpc));
  rest = new RestClient(`http://${String((await gateway.untilLogged("gateway listens")).address)}`);
  const environment = { GPUSCHED_NVML_LIBRARY: nvml.libraryPath, PATH: amdSmi.path() };
  const here = ["--node-name", "node-a", "--data-dir", join(directory, "agent"), "--controllers", grpc];
  services.add(startRoleWith(environment, "agent", ...here, "--executor", "process", "--heartbeat", "200ms"));
});

afterEach(() => services?.close());

/** The node as REST tells it, once it is as wanted. */
async function nodeWhen(isWanted: (node: NodeAnswer) => boolean): Promise<NodeAnswer> {
  let node: NodeAnswer | undefined;
  const ask = async () => {
    const answer = await rest.ask("GET", "/nodes/node-a");
    node = answer?.status === 200 ? (JSON.parse(answer.text) as NodeAnswer) : undefined;
    return node !== undefined && isWanted(node);
  };
  await expect.poll(ask, patience).toBe(true);
  if (!node) throw new Error("the node was not told");
  return node;
}

test("a driver that comes late, slices, links, errors and a GPU that is lost come through to REST", async () => {
  const bare = await nodeWhen(({ device_source }) => device_source === "none");
  expect(bare.device_source_reason).toMatch(/libnvidia-ml.so.1.*nvidia-smi is not installed; amd-smi is not installed/);
  expect(bare).toMatchObject({ devices: [], links: [], cuda_version: null });

  await nvml.install({ gpus: [], faults: [DRIVER_NOT_LOADED] });
  const slices = [{ uuid: "MIG-a", profile: "3g.71gb", memoryMb: 71_424, memoryUsedMb: 10, instance: 1 }];
  const linkTo = (index: number) => [{ kind: "gpu", pciBusId: stubGpu(index).pciBusId ?? "" } as const];
  const driver: StubDriver = {
    driverVersion: "580.95.05",
    cudaVersion: 13_000,
    gpus: [
      stubGpu(0, { model: "NVIDIA Überkarte 超", links: linkTo(1), eccCorrected: 12, eccUncorrected: 1 }),
      stubGpu(1, { links: linkTo(0) }),
      stubGpu(2, { migEnabled: true, slices }),
    ],
  };
  await nvml.write(driver);
  const found = await nodeWhen(({ devices }) => devices[2]?.["temperature_c"] === 50);
  expect(found).toMatchObject({ device_source: "nvml", device_source_reason: "NVML answers" });
  expect(found).toMatchObject({ driver_version: "580.95.05", cuda_version: "13.0" });
  const [first, second] = driver.gpus.map(({ uuid }) => uuid);
  expect(found.links).toEqual([{ a: first, b: second, kind: "nvlink", lanes: 1 }]);
  expect(found.devices).toMatchObject([
    {
      id: first,
      model: "NVIDIA Überkarte 超",
      nvlink_island: 0,
      parent_id: null,
      ecc_enabled: true,
      ecc_corrected: 12,
      ecc_uncorrected: 1,
      power_limit_w: 700,
      power_w: 123.456,
      energy_j: 5_000,
      clock_mhz: 1_980,
      max_clock_mhz: 1_980,
      memory_clock_mhz: 3_201,
      slowdown_margin_c: 40,
      memory_utilization_percent: 7,
    },
    { id: second, nvlink_island: 0, ecc_corrected: 0 },
    {
      id: "MIG-a",
      parent_id: stubGpu(2).uuid,
      mig_profile: "3g.71gb",
      memory_mb: 71_424,
      memory_used_mb: 10,
      utilization_percent: null,
      nvlink_island: null,
    },
  ]);

  await nvml.write({ ...driver, gpus: driver.gpus.map((gpu, at) => ({ ...gpu, isGone: at === 0 })) });
  const after = await nodeWhen(({ device_source_reason }) => device_source_reason.includes("1 device is lost"));
  expect(after.devices.map(({ id }) => id)).toEqual([first, second, "MIG-a"]);
  expect(after.device_source_reason).toContain(`${first} is lost`);
  expect((await nodeWhen(({ devices }) => devices[0]?.["temperature_c"] === null)).devices[1]).toMatchObject({
    temperature_c: 50,
  });
});

test("AMD's GPUs are told in the same words", async () => {
  await tellAmdSmi(amdSmi, [stubGpu(0, { uuid: "amd-uuid", model: "AMD Instinct MI300X" })]);
  await amdSmi.install();
  const node = await nodeWhen(({ devices }) => devices[0]?.["power_w"] === 123.456);
  expect(node).toMatchObject({ device_source: "amd-smi", driver_version: "6.16.6", cuda_version: null });
  expect(node.devices).toMatchObject([
    { id: "amd-uuid", model: "AMD Instinct MI300X", memory_mb: 144_384, clock_mhz: 1_980 },
  ]);
});
