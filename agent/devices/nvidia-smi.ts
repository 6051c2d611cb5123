import { type ChildProcess, execFile } from "node:child_process";
import { withDeadline } from "../../base/abort.ts";
import { messageOf, RequestError, systemErrorCode } from "../../base/errors.ts";
import { asDeviceId } from "../../base/ids.ts";
import {
  type Device,
  type DeviceList,
  type DeviceReading,
  type DeviceSource,
  UNTOLD_DEVICE,
  UNTOLD_READING,
} from "./device-source.ts";

const QUERY =
  "index,uuid,name,memory.total,pci.bus_id,utilization.gpu,memory.used,temperature.gpu,power.draw,driver_version";
const FIELDS = QUERY.split(",").length;
/** Not every driver knows them, and one that it does not know spoils the whole question: the fullest that works is asked. */
const EXTRAS: readonly (readonly string[])[] = [
  [
    "clocks_throttle_reasons.hw_thermal_slowdown",
    "clocks_throttle_reasons.sw_thermal_slowdown",
    // How far the device is from slowing itself down.
    "temperature.gpu.tlimit",
  ],
  ["clocks_throttle_reasons.hw_thermal_slowdown", "clocks_throttle_reasons.sw_thermal_slowdown"],
  [],
];

/** Without a persistence daemon the driver wakes every GPU for each call. */
const DEADLINE_MS = 10_000;
const KILL_DEADLINE_MS = 1_000;
/** More than 1,000 GPUs. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

interface Row {
  readonly device: Device;
  readonly reading: DeviceReading;
  readonly driverVersion: string;
}

/** The program is not there at all. */
export class NvidiaSmiAbsentError extends RequestError {}

/** Reads devices through the program that comes with every driver. One that hangs is killed. */
export class NvidiaSmiSource implements DeviceSource {
  readonly name = "nvidia-smi";
  readonly cudaVersion = "";
  readonly reason: string;
  #driverVersion = "";
  /** Whoever asks meanwhile gets the same answer: one that cannot be killed is never joined by another. */
  #running: Promise<Row[]> | undefined;
  #child: ChildProcess | undefined;
  /** Which of {@link EXTRAS} is asked. */
  #extras = 0;

  constructor(reason: string) {
    this.reason = reason;
  }

  get driverVersion(): string {
    return this.#driverVersion;
  }

  async list(): Promise<DeviceList> {
    return { devices: (await this.#query()).map((row) => row.device), links: [], lost: [] };
  }

  events(): readonly [] {
    return [];
  }

  async read(): Promise<readonly DeviceReading[]> {
    return (await this.#query()).map((row) => row.reading);
  }

  async close(): Promise<void> {
    this.#child?.kill("SIGKILL");
    // One in the hands of the driver may outlive even that: it is not waited for.
    await withDeadline("nvidia-smi", KILL_DEADLINE_MS, async () => this.#running).catch(() => undefined);
  }

  async #query(): Promise<Row[]> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    const running = this.#running;
    const rows = await withDeadline("nvidia-smi", DEADLINE_MS + 1_000, () => running);
    this.#driverVersion = rows[0]?.driverVersion ?? this.#driverVersion;
    return rows;
  }

  async #run(): Promise<Row[]> {
    for (;;) {
      const { error, stdout } = await this.#ask(EXTRAS[this.#extras] ?? []);
      const rows = parseRows(stdout);
      // With a lost GPU it fails, and tells of the others all the same.
      if (!error || rows.length > 0) return rows;
      if (!stdout.includes("not a valid field") || this.#extras >= EXTRAS.length - 1) throw failureOf(error, stdout);
      this.#extras += 1;
    }
  }

  #ask(extras: readonly string[]): Promise<{ readonly error: Error | null; readonly stdout: string }> {
    const question = [`--query-gpu=${[QUERY, ...extras].join(",")}`, "--format=csv,noheader,nounits"];
    const limits = { timeout: DEADLINE_MS, killSignal: "SIGKILL", maxBuffer: MAX_OUTPUT_BYTES } as const;
    return new Promise((resolve) => {
      this.#child = execFile("nvidia-smi", question, limits, (error, stdout) => resolve({ error, stdout }));
    });
  }
}

function failureOf(error: Error & { killed?: boolean }, stdout: string): RequestError {
  if (systemErrorCode(error) === "ENOENT")
    return new NvidiaSmiAbsentError("unavailable", "nvidia-smi is not installed");
  if (error.killed) return new RequestError("unavailable", `nvidia-smi did not answer within ${DEADLINE_MS} ms`);
  const said = stdout.trim().split("\n")[0] || messageOf(error);
  return new RequestError("unavailable", `nvidia-smi failed: ${said}`);
}

/** The devices of `--format=csv,noheader,nounits`. Lines that are not of a device, or of a lost one, are left out. */
function parseRows(text: string): Row[] {
  return text.split("\n").flatMap((line) => parseRow(line.split(", ").map((field) => field.trim())) ?? []);
}

function parseRow(fields: readonly string[]): Row | undefined {
  const [index = "", uuid = "", model = "", memory, bus = "", utilization, used, temperature, power, driver = ""] =
    fields;
  const [hardware, software, margin] = fields.slice(FIELDS);
  if (fields.length < FIELDS || !/^\d+$/.test(index) || !/^(GPU|MIG)-/.test(uuid)) return undefined;
  const id = asDeviceId(uuid);
  return {
    device: {
      ...UNTOLD_DEVICE,
      id,
      model,
      memoryMb: numberOf(memory) ?? 0,
      index: Number(index),
      pciBusId: bus.startsWith("[") ? "" : bus,
      slowdownC: slowdownOf(numberOf(temperature), numberOf(margin)),
    },
    reading: {
      ...UNTOLD_READING,
      id,
      utilizationPercent: numberOf(utilization),
      memoryUsedMb: numberOf(used),
      temperatureC: numberOf(temperature),
      powerW: numberOf(power),
      isThrottling: anyActive(hardware, software),
    },
    driverVersion: driver,
  };
}

function slowdownOf(temperatureC: number | undefined, marginC: number | undefined): number | undefined {
  return temperatureC === undefined || marginC === undefined ? undefined : temperatureC + marginC;
}

/** Whether any of the reasons holds; undefined when none of them is told. */
function anyActive(...fields: readonly (string | undefined)[]): boolean | undefined {
  if (fields.includes("Active")) return true;
  return fields.includes("Not Active") ? false : undefined;
}

/** Undefined for `[N/A]`, `[Unknown Error]` and the like. */
function numberOf(field: string | undefined): number | undefined {
  return field !== undefined && /^\d+(\.\d+)?$/.test(field) ? Number(field) : undefined;
}
