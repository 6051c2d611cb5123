/** A GPU of `nvidia-smi -q -x` as devices and readings: itself, or its slices. */
import { asDeviceId, type DeviceId } from "../../../base/ids.ts";
import { type Device, type DeviceProcess, type DeviceReading, UNTOLD_DEVICE } from "../device-source.ts";
import type { GpuElement } from "./gpu-element.ts";
import type { ListedSlice } from "./listing.ts";

export interface Gpu {
  readonly id: DeviceId;
  readonly pciBusId: string;
  readonly devices: readonly Device[];
  readonly readings: readonly DeviceReading[];
  /** Whether there are slices whose names only `nvidia-smi -L` tells. */
  readonly isCut: boolean;
}

/** Undefined where not even its name is told: the driver has lost it. */
export function toGpu(element: GpuElement, index: number, slices: readonly ListedSlice[]): Gpu | undefined {
  const uuid = element.text("uuid");
  if (!/^GPU-\S+$/.test(uuid)) return undefined;
  const device = deviceOf(element, asDeviceId(uuid), index);
  const reading = readingOf(element, device.id);
  const { id, pciBusId } = device;
  const isCut = element.flag("mig_mode", "current_mig") === true;
  if (!isCut) return { id, pciBusId, devices: [device], readings: [reading], isCut };
  const cut = element
    .child("mig_devices")
    .children("mig_device")
    .flatMap((slice) => sliceOf(slice, device, reading, slices, element));
  return { id, pciBusId, devices: cut.map((one) => one.device), readings: cut.map((one) => one.reading), isCut };
}

function deviceOf(element: GpuElement, id: DeviceId, index: number): Device {
  const powerLimitW =
    element.number("gpu_power_readings", "current_power_limit") ??
    element.number("gpu_power_readings", "power_limit") ??
    element.number("power_readings", "power_limit");
  return {
    ...UNTOLD_DEVICE,
    id,
    model: element.text("product_name"),
    memoryMb: element.number("fb_memory_usage", "total") ?? 0,
    index,
    pciBusId: pciBusIdOf(element),
    slowdownC: slowdownOf(element),
    eccEnabled: element.flag("ecc_mode", "current_ecc"),
    powerLimitW: powerLimitW === undefined ? undefined : Math.round(powerLimitW),
    maxClockMhz: element.number("max_clocks", "sm_clock"),
  };
}

/** An unknown one is a word in brackets. */
function pciBusIdOf(element: GpuElement): string {
  const told = element.text("pci", "pci_bus_id");
  return /^[0-9a-f:.]+$/i.test(told) ? told : "";
}

function slowdownOf(element: GpuElement): number | undefined {
  const threshold = element.number("temperature", "gpu_temp_slow_threshold");
  if (threshold !== undefined) return threshold;
  const temperature = element.number("temperature", "gpu_temp");
  const margin = element.number("temperature", "gpu_temp_tlimit");
  return temperature === undefined || margin === undefined ? undefined : temperature + margin;
}

function readingOf(element: GpuElement, id: DeviceId): DeviceReading {
  const temperatureC = element.number("temperature", "gpu_temp");
  const threshold = element.number("temperature", "gpu_temp_slow_threshold");
  return {
    id,
    utilizationPercent: element.number("utilization", "gpu_util"),
    memoryUtilizationPercent: element.number("utilization", "memory_util"),
    memoryUsedMb: element.number("fb_memory_usage", "used"),
    temperatureC,
    slowdownMarginC:
      element.number("temperature", "gpu_temp_tlimit") ??
      (threshold === undefined || temperatureC === undefined ? undefined : threshold - temperatureC),
    powerW:
      element.number("gpu_power_readings", "instant_power_draw") ??
      element.number("gpu_power_readings", "power_draw") ??
      element.number("power_readings", "power_draw"),
    // Not told here.
    energyJ: undefined,
    clockMhz: element.number("clocks", "sm_clock"),
    memoryClockMhz: element.number("clocks", "mem_clock"),
    isThrottling: isThrottling(element),
    ...eccOf(element),
    processes: processesOf(element),
  };
}

/** Older drivers said throttle where newer ones say event. */
function isThrottling(element: GpuElement): boolean | undefined {
  const told = ["event", "throttle"].flatMap((word) =>
    ["hw_thermal_slowdown", "sw_thermal_slowdown"].map((reason) =>
      element.flag(`clocks_${word}_reasons`, `clocks_${word}_reason_${reason}`),
    ),
  );
  return told.includes(true) ? true : told.includes(false) ? false : undefined;
}

function eccOf(element: GpuElement): Pick<DeviceReading, "eccCorrected" | "eccUncorrected"> {
  const errors = element.child("ecc_errors", "volatile");
  return {
    eccCorrected: errors.sum(["sram_correctable"], ["dram_correctable"]) ?? errors.number("single_bit", "total"),
    eccUncorrected:
      errors.sum(
        ["sram_uncorrectable"],
        ["sram_uncorrectable_parity"],
        ["sram_uncorrectable_secded"],
        ["dram_uncorrectable"],
      ) ?? errors.number("double_bit", "total"),
  };
}

/** Of the GPU, or of one of its slices. */
function processesOf(element: GpuElement, slice?: GpuElement): readonly DeviceProcess[] | undefined {
  const list = element.child("processes");
  const told = list.children("process_info");
  // Without any, it is empty; a word in its place says that they are not told.
  if (!list.isThere || (told.length === 0 && list.text() !== "")) return undefined;
  return told.filter((one) => !slice || isIn(one, slice)).flatMap(processOf);
}

function isIn(one: GpuElement, slice: GpuElement): boolean {
  return ["gpu_instance_id", "compute_instance_id"].every((name) => one.text(name) === slice.text(name));
}

function processOf(one: GpuElement): DeviceProcess[] {
  const pid = one.number("pid");
  if (pid === undefined) return [];
  // C, G, C+G, and M+C for those that go through the Multi-Process Service.
  const kind = one.text("type") === "G" ? "graphics" : "compute";
  return [{ pid, memoryMb: one.number("used_memory"), kind }];
}

/** Nothing of one whose name nobody tells: it could not be given to a job. */
function sliceOf(
  slice: GpuElement,
  device: Device,
  reading: DeviceReading,
  listed: readonly ListedSlice[],
  gpu: GpuElement,
): { readonly device: Device; readonly reading: DeviceReading }[] {
  const index = slice.number("index");
  const found = listed.find((one) => one.gpuId === device.id && one.index === index);
  const own = slice.text("uuid");
  const uuid = own.startsWith("MIG-") ? own : found?.id;
  if (uuid === undefined) return [];
  const id = asDeviceId(uuid);
  const profile = found?.profile;
  return [
    {
      device: {
        ...device,
        id,
        model: profile === undefined ? device.model : `${device.model} MIG ${profile}`,
        memoryMb: slice.number("fb_memory_usage", "total") ?? 0,
        parentId: device.id,
        migProfile: profile,
      },
      reading: {
        ...reading,
        id,
        utilizationPercent: undefined,
        memoryUtilizationPercent: undefined,
        memoryUsedMb: slice.number("fb_memory_usage", "used"),
        processes: processesOf(gpu, slice),
      },
    },
  ];
}
