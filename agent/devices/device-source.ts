import type { DeviceId } from "../../base/ids.ts";
import type { Service } from "../../base/service.ts";

/**
 * A GPU or a slice of one (MIG), as its driver describes it. A GPU in slices is none itself: its slices are. What the
 * driver does not tell is undefined.
 */
export interface Device {
  readonly id: DeviceId;
  readonly model: string;
  readonly memoryMb: number;
  /** The driver's index, of a slice that of its GPU: for people only. */
  readonly index: number;
  /** As `00000000:18:00.0`; empty if it was not told. */
  readonly pciBusId: string;
  readonly numaNode: number | undefined;
  /** Devices of the same number reach each other over NVLink; undefined for one that has no such neighbour. */
  readonly island: number | undefined;
  /** The temperature at which it slows itself down. */
  readonly slowdownC: number | undefined;
  /** Of a slice: the GPU that it is of. */
  readonly parentId: DeviceId | undefined;
  /** Of a slice: the driver's name for its size, as `1g.10gb`. */
  readonly migProfile: string | undefined;
  readonly eccEnabled: boolean | undefined;
  readonly powerLimitW: number | undefined;
  readonly maxClockMhz: number | undefined;
}

/** A process that the driver sees on a device. */
export interface DeviceProcess {
  readonly pid: number;
  /** Of the device; undefined where the driver does not tell. */
  readonly memoryMb: number | undefined;
  readonly kind: "compute" | "graphics";
}

/** A moment's reading; what the driver does not tell is undefined. What only the GPU of a slice has is told of it. */
export interface DeviceReading {
  readonly id: DeviceId;
  readonly utilizationPercent: number | undefined;
  readonly memoryUsedMb: number | undefined;
  readonly temperatureC: number | undefined;
  readonly powerW: number | undefined;
  /** Whether it is slowing itself down for heat. */
  readonly isThrottling: boolean | undefined;
  /** Of the time, with its memory busy. */
  readonly memoryUtilizationPercent: number | undefined;
  readonly clockMhz: number | undefined;
  readonly memoryClockMhz: number | undefined;
  /** Since its driver was loaded. */
  readonly energyJ: number | undefined;
  /** How much warmer it may become before it slows itself down. */
  readonly slowdownMarginC: number | undefined;
  /** Errors of its memory since its driver was loaded. */
  readonly eccCorrected: number | undefined;
  readonly eccUncorrected: number | undefined;
  /** All that run on it; undefined where the driver does not tell, which is not the same as none. */
  readonly processes: readonly DeviceProcess[] | undefined;
}

/** A description of which nothing is told beyond what every driver tells. */
export const UNTOLD_DEVICE = {
  numaNode: undefined,
  island: undefined,
  slowdownC: undefined,
  parentId: undefined,
  migProfile: undefined,
  eccEnabled: undefined,
  powerLimitW: undefined,
  maxClockMhz: undefined,
} as const satisfies Partial<Device>;

/** A reading in which nothing is told. */
export const UNTOLD_READING = {
  utilizationPercent: undefined,
  memoryUsedMb: undefined,
  temperatureC: undefined,
  powerW: undefined,
  isThrottling: undefined,
  memoryUtilizationPercent: undefined,
  clockMhz: undefined,
  memoryClockMhz: undefined,
  energyJ: undefined,
  slowdownMarginC: undefined,
  eccCorrected: undefined,
  eccUncorrected: undefined,
  processes: undefined,
} as const satisfies Partial<DeviceReading>;

/** Two devices that reach each other directly, or through a switch. */
export interface DeviceLink {
  readonly a: DeviceId;
  readonly b: DeviceId;
  /** `nvlink`, `nvswitch`, `xgmi`, or what the driver calls it. */
  readonly kind: string;
  readonly lanes: number;
}

/** A device that was there, or should be, and does not answer. */
export interface LostDevice {
  /** Undefined if it is not known. */
  readonly id: DeviceId | undefined;
  /** Empty if it is not known. */
  readonly pciBusId: string;
  /** A sentence. */
  readonly why: string;
  /** It answers, and is to be used in slices (MIG) of which it has none. */
  readonly isUncut?: boolean | undefined;
}

/** What a host has, at the moment. */
export interface DeviceList {
  /** With those that are {@link lost} and were seen well before: they stay, as they were last described. */
  readonly devices: readonly Device[];
  readonly links: readonly DeviceLink[];
  readonly lost: readonly LostDevice[];
}

/** What the driver said of a fault (XID), through its library or in the kernel's log. */
export interface DeviceEvent {
  /** The GPU, or the slice that it happened in; one of a GPU in slices concerns all that have it as their parent. */
  readonly deviceId: DeviceId | undefined;
  /** Empty if it was not told. */
  readonly pciBusId: string;
  readonly xid: number;
  /** By the wall clock. */
  readonly atMs: number;
  /** As the kernel's log has it; empty where only the number was told. */
  readonly message: string;
}

/** Where devices are read. Every call ends within its deadline, whatever the driver does. */
export interface DeviceSource extends Service {
  /** May change, as may the reason and the versions: a driver may come later, or be replaced. */
  readonly name: "nvml" | "nvidia-smi" | "amd-smi" | "simulated" | "none";
  /** Why this source was chosen, and why the ones before it were not: a sentence. */
  readonly reason: string;
  /** Empty if it is not known. */
  readonly driverVersion: string;
  /** The newest that the driver supports, as `13.0`; empty if it is not known. */
  readonly cudaVersion: string;
  list(): Promise<DeviceList>;
  read(): Promise<readonly DeviceReading[]>;
  /** What was said since this was asked last, oldest first; it is told once. Faults are heard of with {@link read}. */
  events(): readonly DeviceEvent[];
}
