/** What NVML tells of one device, by one call or two each. All of them may throw. */
import type { Handle, NvmlFunctions } from "./functions.ts";
import { NVML_SUCCESS } from "./nvml-error.ts";

const BYTES_PER_MB = 1024 * 1024;
const TEMPERATURE_OF_GPU = 0;
const THRESHOLD_OF_SLOWDOWN = 1;
/** The structure's size and its first version, as NVML's macro makes it. */
const MARGIN_VERSION = 8 | (1 << 24);
const CLOCK_OF_SM = 1;
const CLOCK_OF_MEMORY = 2;
const ECC_CORRECTED = 0;
const ECC_UNCORRECTED = 1;
/** Since the driver was loaded. */
const ECC_VOLATILE = 0;
/** Of the reasons for lower clocks: heat, as the driver's software or the hardware sees it. */
const THERMAL_REASONS = 0x20n | 0x40n;

export function uuidOf(nvml: NvmlFunctions, handle: Handle): string {
  return nvml.text("nvmlDeviceGetUUID", "void *", handle);
}

export function nameOf(nvml: NvmlFunctions, handle: Handle): string {
  return nvml.text("nvmlDeviceGetName", "void *", handle);
}

export function pciBusIdOf(nvml: NvmlFunctions, handle: Handle): string {
  const out = { busId: "" };
  nvml.call("nvmlDeviceGetPciInfo_v3", "void *, _Out_ nvmlPciInfo *", handle, out);
  return out.busId;
}

export function memoryMbOf(nvml: NvmlFunctions, handle: Handle): { readonly total: number; readonly used: number } {
  const out: { total: number | bigint; used: number | bigint } = { total: 0, used: 0 };
  nvml.call("nvmlDeviceGetMemoryInfo", "void *, _Out_ nvmlMemory *", handle, out);
  return { total: Math.floor(Number(out.total) / BYTES_PER_MB), used: Math.floor(Number(out.used) / BYTES_PER_MB) };
}

export function utilizationOf(nvml: NvmlFunctions, handle: Handle): { readonly gpu: number; readonly memory: number } {
  const out = { gpu: 0, memory: 0 };
  nvml.call("nvmlDeviceGetUtilizationRates", "void *, _Out_ nvmlUtilization *", handle, out);
  return out;
}

export function temperatureOf(nvml: NvmlFunctions, handle: Handle): number {
  return nvml.number("nvmlDeviceGetTemperature", "void *, int", handle, TEMPERATURE_OF_GPU);
}

/** How far it is from slowing itself down. Newer GPUs tell this, older ones the temperature at which they do. */
export function marginOf(nvml: NvmlFunctions, handle: Handle): number {
  const out = { version: MARGIN_VERSION, margin: 0 };
  const code = nvml.codeOf("nvmlDeviceGetMarginTemperature", "void *, _Inout_ nvmlMargin *", handle, out);
  return code === NVML_SUCCESS ? out.margin : thresholdOf(nvml, handle) - temperatureOf(nvml, handle);
}

export function slowdownOf(nvml: NvmlFunctions, handle: Handle): number {
  return nvml.told(() => thresholdOf(nvml, handle)) ?? temperatureOf(nvml, handle) + marginOf(nvml, handle);
}

function thresholdOf(nvml: NvmlFunctions, handle: Handle): number {
  return nvml.number("nvmlDeviceGetTemperatureThreshold", "void *, int", handle, THRESHOLD_OF_SLOWDOWN);
}

export function powerOf(nvml: NvmlFunctions, handle: Handle): number {
  return nvml.number("nvmlDeviceGetPowerUsage", "void *", handle) / 1_000;
}

export function powerLimitOf(nvml: NvmlFunctions, handle: Handle): number {
  return Math.round(nvml.number("nvmlDeviceGetPowerManagementLimit", "void *", handle) / 1_000);
}

export function energyOf(nvml: NvmlFunctions, handle: Handle): number {
  return Number(nvml.long("nvmlDeviceGetTotalEnergyConsumption", "void *", handle)) / 1_000;
}

export function clockOf(nvml: NvmlFunctions, handle: Handle): number {
  return nvml.number("nvmlDeviceGetClockInfo", "void *, int", handle, CLOCK_OF_SM);
}

export function memoryClockOf(nvml: NvmlFunctions, handle: Handle): number {
  return nvml.number("nvmlDeviceGetClockInfo", "void *, int", handle, CLOCK_OF_MEMORY);
}

export function maxClockOf(nvml: NvmlFunctions, handle: Handle): number {
  return nvml.number("nvmlDeviceGetMaxClockInfo", "void *, int", handle, CLOCK_OF_SM);
}

export function hasEcc(nvml: NvmlFunctions, handle: Handle): boolean {
  const pending = [0];
  const current = [0];
  nvml.call("nvmlDeviceGetEccMode", "void *, _Out_ uint *, _Out_ uint *", handle, current, pending);
  return current[0] === 1;
}

export function eccErrorsOf(nvml: NvmlFunctions, handle: Handle, kind: "corrected" | "uncorrected"): number {
  const type = kind === "corrected" ? ECC_CORRECTED : ECC_UNCORRECTED;
  return Number(nvml.long("nvmlDeviceGetTotalEccErrors", "void *, int, int", handle, type, ECC_VOLATILE));
}

export function isThrottling(nvml: NvmlFunctions, handle: Handle): boolean {
  return (nvml.long("nvmlDeviceGetCurrentClocksThrottleReasons", "void *", handle) & THERMAL_REASONS) !== 0n;
}
