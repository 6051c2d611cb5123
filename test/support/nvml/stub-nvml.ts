/** A stub of NVIDIA's library: what its GPUs are and do is as the test says, and may change at any moment. */
import { execFile, spawnSync } from "node:child_process";
import { appendFile, copyFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Why the stub cannot be built here; undefined if it can. */
export const whyNoStubNvml =
  spawnSync("cc", ["--version"]).status === 0 ? undefined : "the stub of NVML needs a C compiler: install gcc";

/** A process on a stub's device. `mps`: a client of the Multi-Process Service. */
export interface StubProcess {
  readonly pid: number;
  /** Undefined: the driver does not tell. */
  readonly memoryMb?: number;
  readonly kind?: "compute" | "graphics" | "mps";
}

/** A MIG slice. */
export interface StubSlice {
  readonly uuid: string;
  /** As `1g.10gb`. */
  readonly profile: string;
  readonly memoryMb: number;
  readonly memoryUsedMb?: number;
  /** The number of its GPU instance; its compute instance is 0. */
  readonly instance: number;
  readonly processes?: readonly StubProcess[];
}

/** What is undefined the driver answers with "not supported". */
export interface StubGpu {
  readonly uuid: string;
  readonly model?: string;
  readonly pciBusId?: string;
  readonly memoryMb?: number;
  readonly memoryUsedMb?: number;
  readonly utilizationPercent?: number;
  readonly memoryUtilizationPercent?: number;
  readonly temperatureC?: number;
  readonly slowdownC?: number;
  readonly slowdownMarginC?: number;
  readonly powerW?: number;
  readonly powerLimitW?: number;
  readonly clockMhz?: number;
  readonly memoryClockMhz?: number;
  readonly maxClockMhz?: number;
  readonly energyJ?: number;
  readonly eccEnabled?: boolean;
  readonly eccCorrected?: number;
  readonly eccUncorrected?: number;
  /** Its clocks are low for heat. */
  readonly isThrottling?: boolean;
  /** Whether it tells of events. */
  readonly hasEvents?: boolean;
  readonly migEnabled?: boolean;
  readonly slices?: readonly StubSlice[];
  readonly processes?: readonly StubProcess[];
  /** What the other ends of its NVLinks are: of another GPU its PCI address, or one of a switch. */
  readonly links?: readonly { readonly kind: "gpu" | "switch"; readonly pciBusId: string }[];
  /** It is counted, and every call about it fails. */
  readonly isLost?: boolean;
  /** It is not even counted any more: those after it move up. */
  readonly isGone?: boolean;
}

/** What the functions of the library do instead of what they should. */
export interface StubFault {
  /** NVML's name of the function; absent is all of them. */
  readonly function?: string;
  /** An error code of NVML, or what becomes of the calling process. */
  readonly does: number | "hang" | "crash";
  /** Only for this GPU, by its place in the list. */
  readonly gpu?: number;
}

export interface StubDriver {
  readonly driverVersion?: string;
  /** As NVML has it: 13000 is 13.0. */
  readonly cudaVersion?: number;
  readonly faults?: readonly StubFault[];
  readonly gpus: readonly StubGpu[];
}

/** No driver is loaded, though its library is installed. */
export const DRIVER_NOT_LOADED: StubFault = { does: 9 };
export const VERSION_MISMATCH: StubFault = { does: 18 };

/** A GPU of which everything is told. `index` from 0. */
export function stubGpu(index: number, changes: Partial<StubGpu> = {}): StubGpu {
  const hex = index.toString(16).padStart(2, "0");
  return {
    uuid: `GPU-000000${hex}-aaaa-bbbb-cccc-000000000000`,
    model: "Stub H200",
    pciBusId: `00000000:${(index + 0x18).toString(16).toUpperCase()}:00.0`,
    memoryMb: 144_384,
    memoryUsedMb: 1_024,
    utilizationPercent: 40,
    memoryUtilizationPercent: 7,
    temperatureC: 50,
    slowdownC: 90,
    slowdownMarginC: 40,
    powerW: 123.456,
    powerLimitW: 700,
    clockMhz: 1_980,
    memoryClockMhz: 3_201,
    maxClockMhz: 1_980,
    energyJ: 5_000,
    eccEnabled: true,
    eccCorrected: 0,
    eccUncorrected: 0,
    isThrottling: false,
    hasEvents: true,
    migEnabled: false,
    processes: [],
    ...changes,
  };
}

/** A directory with the library in it, for `GPUSCHED_NVML_LIBRARY`. */
export class StubNvml {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Builds it, without installing it: see {@link install}. */
  static async build(): Promise<StubNvml> {
    const directory = await mkdtemp(join(tmpdir(), "stub-nvml-"));
    const source = join(import.meta.dirname, "stub.c");
    await promisify(execFile)("cc", [
      "-shared",
      "-fPIC",
      "-Wall",
      "-Werror",
      "-O1",
      "-o",
      join(directory, "built.so"),
      source,
      "-ldl",
    ]);
    return new StubNvml(directory);
  }

  /** What `GPUSCHED_NVML_LIBRARY` is set to. */
  get libraryPath(): string {
    return join(this.#directory, "libnvidia-ml.so.1");
  }

  /** Puts the library where it is looked for: before this, the driver is not there at all. */
  async install(driver: StubDriver): Promise<void> {
    await this.write(driver);
    await copyFile(join(this.#directory, "built.so"), `${this.libraryPath}.new`);
    await rename(`${this.libraryPath}.new`, this.libraryPath);
  }

  async uninstall(): Promise<void> {
    await rm(this.libraryPath, { force: true });
  }

  /** From the next call on the driver is as this says. */
  async write(driver: StubDriver): Promise<void> {
    const path = join(this.#directory, "state");
    await writeFile(`${path}.new`, driverLines(driver).join("\n").concat("\n"));
    await rename(`${path}.new`, path);
  }

  /** An XID of a GPU, by its place in the list; of one of its slices if that is named. */
  async xid(gpu: number, xid: number, instance?: number): Promise<void> {
    const whole = 0xff_ff_ff_ff;
    const line = `${gpu} 8 ${xid} ${instance ?? whole} ${instance === undefined ? whole : 0}\n`;
    await appendFile(join(this.#directory, "events"), line);
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function driverLines(driver: StubDriver): string[] {
  return [
    ...told("driver", driver.driverVersion ?? "570.01"),
    ...told("cuda", driver.cudaVersion ?? 12_080),
    ...(driver.faults ?? []).map(faultLine),
    ...driver.gpus.flatMap(gpuLines),
  ];
}

function faultLine(fault: StubFault): string {
  const { does } = fault;
  const code = does === "hang" ? -1 : does === "crash" ? -2 : does;
  return `fault ${fault.function ?? "*"} ${code} ${fault.gpu ?? -1}`;
}

function gpuLines(gpu: StubGpu): string[] {
  return [
    `gpu ${gpu.uuid}`,
    ...told("name", gpu.model),
    ...told("pci", gpu.pciBusId),
    ...told("memory_mb", gpu.memoryMb),
    ...told("used_mb", gpu.memoryUsedMb),
    ...told("utilization", gpu.utilizationPercent),
    ...told("memory_utilization", gpu.memoryUtilizationPercent),
    ...told("temperature", gpu.temperatureC),
    ...told("slowdown", gpu.slowdownC),
    ...told("margin", gpu.slowdownMarginC),
    ...told("power_mw", thousandths(gpu.powerW)),
    ...told("power_limit_mw", thousandths(gpu.powerLimitW)),
    ...told("clock", gpu.clockMhz),
    ...told("memory_clock", gpu.memoryClockMhz),
    ...told("max_clock", gpu.maxClockMhz),
    ...told("energy_mj", thousandths(gpu.energyJ)),
    ...told("ecc", gpu.eccEnabled),
    ...told("ecc_corrected", gpu.eccCorrected),
    ...told("ecc_uncorrected", gpu.eccUncorrected),
    // With heat or without, its clocks are also as low as a limit of its power has them (0x4).
    ...told("throttle", gpu.isThrottling === undefined ? undefined : gpu.isThrottling ? 0x44 : 0x04),
    ...told("events", gpu.hasEvents),
    ...told("mig", gpu.migEnabled),
    ...told("lost", gpu.isLost),
    ...told("gone", gpu.isGone),
    ...(gpu.links ?? []).map(({ kind, pciBusId }, number) => `link ${number} ${kind.charAt(0)} ${pciBusId}`),
    ...(gpu.processes ?? []).map(processLine),
    ...(gpu.slices ?? []).flatMap((slice) => sliceLines(gpu, slice)),
  ];
}

function sliceLines(gpu: StubGpu, slice: StubSlice): string[] {
  const { instance, memoryMb, memoryUsedMb = 0, uuid, profile, processes = [] } = slice;
  const name = `${gpu.model ?? "GPU"} MIG ${profile}`;
  return [`slice ${instance} 0 ${memoryMb} ${memoryUsedMb} ${uuid} ${name}`, ...processes.map(processLine)];
}

function processLine({ pid, memoryMb = -1, kind = "compute" }: StubProcess): string {
  return `process ${kind.charAt(0)} ${pid} ${memoryMb}`;
}

function told(key: string, value: string | number | boolean | undefined): string[] {
  return value === undefined ? [] : [`${key} ${typeof value === "boolean" ? Number(value) : value}`];
}

function thousandths(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value * 1_000);
}
