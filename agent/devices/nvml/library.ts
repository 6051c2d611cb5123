/** The functions of NVML that are needed, as its header `nvml.h` declares them. */
import { type LibraryHandle, load, struct } from "koffi";
import { connectedGroups } from "./connected-groups.ts";
import type { NvmlList, NvmlReading } from "./messages.ts";

const BYTES_PER_MB = 1024 * 1024;
const TEXT_BYTES = 96;
const TEMPERATURE_OF_GPU = 0;
const THRESHOLD_OF_SLOWDOWN = 1;
const P2P_OVER_NVLINK = 2;
const P2P_OK = 0;
/** Of the reasons for lower clocks: heat, as the driver's software or the hardware sees it. */
const THERMAL_REASONS = 0x20n | 0x40n;

const SUCCESS = 0;
const UNINITIALIZED = 1;
const DRIVER_NOT_LOADED = 9;
const FUNCTION_NOT_FOUND = 13;

const ERRORS: Readonly<Record<number, string>> = {
  2: "invalid argument",
  3: "not supported",
  4: "no permission",
  6: "not found",
  8: "the GPU lacks power cables",
  9: "the driver is not loaded",
  10: "timeout",
  12: "a library of the driver was not found",
  15: "the GPU is lost",
  16: "the GPU requires a reset",
  17: "the operating system or a control group blocks the GPU",
  18: "the driver and its library are of different versions",
  20: "insufficient memory",
  999: "unknown error",
};

/** A call of NVML that failed. */
export class NvmlError extends Error {
  override readonly name = "NvmlError";
  readonly code: number;

  constructor(operation: string, code: number) {
    super(`${operation}: ${ERRORS[code] ?? "error"} (NVML error ${code})`);
    this.code = code;
  }

  /** There is no driver that could answer later. */
  get isAbsence(): boolean {
    return this.code === DRIVER_NOT_LOADED;
  }
}

struct("nvmlMemory", { total: "uint64", free: "uint64", used: "uint64" });
struct("nvmlUtilization", { gpu: "uint", memory: "uint" });
struct("nvmlPciInfo", {
  busIdLegacy: "char [16]",
  domain: "uint",
  bus: "uint",
  device: "uint",
  pciDeviceId: "uint",
  pciSubSystemId: "uint",
  busId: "char [32]",
});

interface MemoryInfo {
  total: number | bigint;
  used: number | bigint;
}

type NvmlFunction = (...args: unknown[]) => number;
type Handle = unknown;

/** NVML, loaded and initialised. Every call may block for as long as the driver likes, or end the process. */
export class NvmlLibrary {
  readonly #library: LibraryHandle;
  readonly #functions = new Map<string, NvmlFunction>();

  /** Throws if the library cannot be loaded or does not start. */
  constructor(path: string) {
    this.#library = load(path);
    this.#call("nvmlInit_v2", "");
  }

  driverVersion(): string {
    return this.#told(() => this.#text("nvmlSystemGetDriverVersion", "_Out_ uint8 *, uint")) ?? "";
  }

  /** A device that does not answer is left out, and told of. */
  list(): NvmlList {
    const devices: NvmlList["devices"] = [];
    const lost: string[] = [];
    const handles: Handle[] = [];
    for (let index = 0; index < this.#count(); index += 1) {
      try {
        const handle = this.#handle(index);
        devices.push(this.#describe(index, handle));
        handles.push(handle);
      } catch (error) {
        if (!(error instanceof NvmlError)) throw error;
        lost.push(`GPU ${index} does not answer: ${error.message}`);
      }
    }
    const islands = connectedGroups(handles.length, (a, b) => this.#areLinked(handles[a], handles[b]));
    return { devices: devices.map((device, at) => ({ ...device, island: islands[at] })), lost };
  }

  read(): NvmlReading[] {
    const readings: NvmlReading[] = [];
    for (let index = 0; index < this.#count(); index += 1) {
      const reading = this.#told(() => this.#read(this.#handle(index)));
      if (reading) readings.push(reading);
    }
    return readings;
  }

  #count(): number {
    return this.#number("nvmlDeviceGetCount_v2", "");
  }

  #describe(index: number, handle: Handle): NvmlList["devices"][number] {
    return {
      id: this.#uuid(handle),
      model: this.#text("nvmlDeviceGetName", "void *, _Out_ uint8 *, uint", handle),
      memoryMb: this.#told(() => toMb(this.#memory(handle).total)) ?? 0,
      index,
      pciBusId: this.#told(() => this.#pciBusId(handle)) ?? "",
      numaNode: this.#told(() => this.#number("nvmlDeviceGetNumaNodeId", "void *", handle)),
      slowdownC: this.#told(() =>
        this.#number("nvmlDeviceGetTemperatureThreshold", "void *, int", handle, THRESHOLD_OF_SLOWDOWN),
      ),
    };
  }

  /** Directly, or through a switch: the driver knows. */
  #areLinked(a: Handle, b: Handle): boolean {
    const status = this.#told(() =>
      this.#number("nvmlDeviceGetP2PStatus", "void *, void *, int", a, b, P2P_OVER_NVLINK),
    );
    return status === P2P_OK;
  }

  #read(handle: Handle): NvmlReading {
    return {
      id: this.#uuid(handle),
      utilizationPercent: this.#told(() => this.#utilization(handle)),
      memoryUsedMb: this.#told(() => toMb(this.#memory(handle).used)),
      temperatureC: this.#told(() =>
        this.#number("nvmlDeviceGetTemperature", "void *, int", handle, TEMPERATURE_OF_GPU),
      ),
      powerW: this.#told(() => this.#number("nvmlDeviceGetPowerUsage", "void *", handle) / 1_000),
      isThrottling: this.#told(() => this.#isThrottling(handle)),
    };
  }

  #handle(index: number): Handle {
    const out: [Handle] = [null];
    this.#call("nvmlDeviceGetHandleByIndex_v2", "uint, _Out_ void **", index, out);
    return out[0];
  }

  #uuid(handle: Handle): string {
    return this.#text("nvmlDeviceGetUUID", "void *, _Out_ uint8 *, uint", handle);
  }

  #memory(handle: Handle): MemoryInfo {
    const out: MemoryInfo = { total: 0, used: 0 };
    this.#call("nvmlDeviceGetMemoryInfo", "void *, _Out_ nvmlMemory *", handle, out);
    return out;
  }

  #utilization(handle: Handle): number {
    const out = { gpu: 0 };
    this.#call("nvmlDeviceGetUtilizationRates", "void *, _Out_ nvmlUtilization *", handle, out);
    return out.gpu;
  }

  #isThrottling(handle: Handle): boolean {
    const out: [number | bigint] = [0];
    this.#call("nvmlDeviceGetCurrentClocksThrottleReasons", "void *, _Out_ uint64 *", handle, out);
    return (BigInt(out[0]) & THERMAL_REASONS) !== 0n;
  }

  #pciBusId(handle: Handle): string {
    const out = { busId: "" };
    this.#call("nvmlDeviceGetPciInfo_v3", "void *, _Out_ nvmlPciInfo *", handle, out);
    return out.busId;
  }

  /** A function whose last parameter is a number that it sets. */
  #number(name: string, parameters: string, ...args: unknown[]): number {
    const out = [0];
    this.#call(name, parameters === "" ? "_Out_ uint *" : `${parameters}, _Out_ uint *`, ...args, out);
    return out[0] ?? 0;
  }

  /** A function whose last parameters are a buffer for a text and its size. */
  #text(name: string, parameters: string, ...args: unknown[]): string {
    const buffer = Buffer.alloc(TEXT_BYTES);
    this.#call(name, parameters, ...args, buffer, TEXT_BYTES);
    return buffer.toString("utf8", 0, Math.max(0, buffer.indexOf(0)));
  }

  #call(name: string, parameters: string, ...args: unknown[]): void {
    const code = this.#function(name, parameters)(...args);
    if (code !== SUCCESS) throw new NvmlError(name, code);
  }

  /** Older drivers lack some functions. */
  #function(name: string, parameters: string): NvmlFunction {
    let found = this.#functions.get(name);
    if (!found) {
      found = this.#lookUp(name, parameters);
      this.#functions.set(name, found);
    }
    return found;
  }

  #lookUp(name: string, parameters: string): NvmlFunction {
    try {
      return this.#library.func(`int ${name}(${parameters})`);
    } catch {
      return () => FUNCTION_NOT_FOUND;
    }
  }

  /** What the driver does not tell is undefined. */
  #told<T>(ask: () => T): T | undefined {
    try {
      return ask();
    } catch (error) {
      // After this one nothing would be told any more, of any device.
      if (!(error instanceof NvmlError) || error.code === UNINITIALIZED) throw error;
      return undefined;
    }
  }
}

function toMb(bytes: number | bigint): number {
  return Math.floor(Number(bytes) / BYTES_PER_MB);
}
