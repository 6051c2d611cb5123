import type { DeviceId } from "../../base/ids.ts";
import type { Service } from "../../base/service.ts";

/** A GPU or a MIG slice, as its driver describes it. */
export interface Device {
  readonly id: DeviceId;
  readonly model: string;
  readonly memoryMb: number;
  /** The driver's index: for people only. */
  readonly index: number;
  readonly pciBusId: string;
  readonly numaNode: number | undefined;
  /** Devices of the same number reach each other over NVLink; undefined for one that has no such neighbour. */
  readonly island: number | undefined;
  /** The temperature at which it slows itself down. */
  readonly slowdownC: number | undefined;
}

/** A moment's reading; what the driver does not tell is undefined. */
export interface DeviceReading {
  readonly id: DeviceId;
  readonly utilizationPercent: number | undefined;
  readonly memoryUsedMb: number | undefined;
  readonly temperatureC: number | undefined;
  readonly powerW: number | undefined;
  /** Whether it is slowing itself down for heat. */
  readonly isThrottling: boolean | undefined;
}

/** Where devices are read. Every call ends within its deadline, whatever the driver does. */
export interface DeviceSource extends Service {
  readonly name: "nvml" | "nvidia-smi" | "simulated" | "none";
  /** Why this source was chosen, and why the ones before it were not: a sentence. */
  readonly reason: string;
  readonly driverVersion: string;
  list(): Promise<readonly Device[]>;
  read(): Promise<readonly DeviceReading[]>;
}
