import { asDeviceId } from "../../base/ids.ts";
import { type Device, type DeviceReading, type DeviceSource, UNTOLD_DEVICE, UNTOLD_READING } from "./device-source.ts";

/** What an idle device of this kind would show. */
const IDLE_TEMPERATURE_C = 34;
const IDLE_POWER_W = 60;
/** What such a device would have. */
const SLOWDOWN_C = 90;
const DEVICES_PER_ISLAND = 8;

/** Devices that exist only in name, `gpu-1` and on: for trying things out where there are none. They read as idle. */
export function simulateDevices({ count, memoryMb }: { count: number; memoryMb: number }): DeviceSource {
  const devices: readonly Device[] = Array.from({ length: count }, (_, index) => ({
    ...UNTOLD_DEVICE,
    id: asDeviceId(`gpu-${index + 1}`),
    model: "Simulated GPU",
    memoryMb,
    index,
    pciBusId: "",
    island: count > 1 ? Math.floor(index / DEVICES_PER_ISLAND) : undefined,
    slowdownC: SLOWDOWN_C,
  }));
  const readings: readonly DeviceReading[] = devices.map(({ id, index }) => ({
    ...UNTOLD_READING,
    id,
    utilizationPercent: 0,
    memoryUsedMb: 0,
    temperatureC: IDLE_TEMPERATURE_C + (index % 4),
    powerW: IDLE_POWER_W,
    isThrottling: false,
    processes: [],
  }));
  return {
    name: "simulated",
    reason: "simulation was asked for",
    driverVersion: "",
    cudaVersion: "",
    list: async () => ({ devices, links: [], lost: [] }),
    read: async () => readings,
    events: () => [],
    close: async () => {},
  };
}
