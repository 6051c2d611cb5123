import { readFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { version } from "../base/version.ts";
import type { DeviceTelemetry } from "../proto/generated/gpusched/v1/DeviceTelemetry.ts";
import type { NodeInventory } from "../proto/generated/gpusched/v1/NodeInventory.ts";
import type { Device, DeviceList, DeviceReading, DeviceSource } from "./devices/device-source.ts";
import { mpsDirectory } from "./devices/mps.ts";
import type { Finding } from "./doctor/finding.ts";
import type { Executor } from "./executor/executor.ts";
import type { VolumePrefix } from "./policy/container-policy.ts";

/** What a simulated device brings with it, so that the documented examples fit on a laptop. */
const SIMULATED_CORES_PER_DEVICE = 8;
const SIMULATED_MEMORY_MB_PER_DEVICE = 65_536;

const BYTES_PER_MB = 1024 * 1024;

export interface InventoryOptions {
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined is all that the host has. */
  readonly cpuCores: number | undefined;
  readonly memoryMb: number | undefined;
  readonly simulatedGpus: number;
  /** Jobs may have a part of a device. */
  readonly allowSharing: boolean;
  /** Where other agents reach this one; undefined where they cannot. */
  readonly peerAddress?: string | undefined;
  /** Who knows what a person should know of the host. */
  readonly doctor?: { readonly findings: readonly Finding[] } | undefined;
  readonly devices: Pick<DeviceSource, "name" | "reason" | "driverVersion" | "cudaVersion">;
  /** Below which of the host's paths jobs may have volumes. */
  readonly volumes?: readonly VolumePrefix[];
  readonly executor: Pick<Executor, "name" | "gpuGrant">;
}

/** What this node offers, with the devices that it has at the moment. */
export function nodeInventory(
  options: InventoryOptions,
  { devices, links }: Pick<DeviceList, "devices" | "links">,
): NodeInventory {
  const { devices: source, executor, address, labels } = options;
  return {
    devices: devices.map(deviceToProto),
    ...capacity(options),
    labels: { ...labels },
    executor: executor.name,
    device_source: source.name,
    device_source_reason: source.reason,
    driver_version: source.driverVersion,
    cuda_version: source.cudaVersion,
    links: [...links],
    agent_version: version,
    address,
    gpu_grant: executor.gpuGrant.kind,
    gpu_grant_reason: executor.gpuGrant.reason,
    allows_sharing: options.allowSharing,
    peer_address: options.peerAddress ?? "",
    volume_prefixes: (options.volumes ?? []).map(({ path, writable }) => (writable ? `${path}:rw` : path)),
    gpu_sharing: options.allowSharing ? (mpsDirectory() === undefined ? "accounted" : "mps") : "",
    findings: (options.doctor?.findings ?? []).map((finding) => ({ ...finding })),
  };
}

/** Cores and memory that jobs may be given: as told, else the host's, and with simulated devices at least what those need. */
export function capacity(options: Pick<InventoryOptions, "cpuCores" | "memoryMb" | "simulatedGpus">): {
  readonly cpu_cores: number;
  readonly memory_mb: number;
} {
  const { simulatedGpus } = options;
  return {
    cpu_cores: options.cpuCores ?? Math.max(availableParallelism(), simulatedGpus * SIMULATED_CORES_PER_DEVICE),
    memory_mb: options.memoryMb ?? Math.max(hostMemoryMb(), simulatedGpus * SIMULATED_MEMORY_MB_PER_DEVICE),
  };
}

/** The kernel's boot id: a changed one proves that everything from before is gone. */
export async function readBootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
}

/** The host's memory, or the control group's limit where that is less. */
function hostMemoryMb(): number {
  const limit = process.constrainedMemory();
  return Math.floor(Math.min(totalmem(), limit > 0 ? limit : totalmem()) / BYTES_PER_MB);
}

function deviceToProto(device: Device): NonNullable<NodeInventory["devices"]>[number] {
  return {
    id: device.id,
    model: device.model,
    memory_mb: device.memoryMb,
    index: device.index,
    pci_bus_id: device.pciBusId,
    ...(device.numaNode === undefined ? {} : { numa_node: device.numaNode }),
    ...(device.island === undefined ? {} : { nvlink_island: device.island }),
    ...(device.slowdownC === undefined ? {} : { slowdown_c: Math.round(device.slowdownC) }),
    parent_id: device.parentId ?? "",
    mig_profile: device.migProfile ?? "",
    ...(device.eccEnabled === undefined ? {} : { ecc_enabled: device.eccEnabled }),
    ...(device.powerLimitW === undefined ? {} : { power_limit_w: Math.round(device.powerLimitW) }),
    ...(device.maxClockMhz === undefined ? {} : { max_clock_mhz: Math.round(device.maxClockMhz) }),
  };
}

/** A reading as a heartbeat carries it. */
export function telemetryToProto(reading: DeviceReading): DeviceTelemetry {
  const { powerW, energyJ, isThrottling } = reading;
  return {
    id: reading.id,
    ...whole("utilization_percent", reading.utilizationPercent),
    ...whole("memory_used_mb", reading.memoryUsedMb),
    ...whole("temperature_c", reading.temperatureC),
    ...(powerW === undefined ? {} : { power_w: powerW }),
    ...(isThrottling ? { throttling: true } : {}),
    ...whole("memory_utilization_percent", reading.memoryUtilizationPercent),
    ...whole("clock_mhz", reading.clockMhz),
    ...whole("memory_clock_mhz", reading.memoryClockMhz),
    ...(energyJ === undefined ? {} : { energy_j: energyJ }),
    ...whole("slowdown_margin_c", reading.slowdownMarginC),
    ...whole("ecc_corrected", reading.eccCorrected),
    ...whole("ecc_uncorrected", reading.eccUncorrected),
  };
}

/** A whole number under that name, if it was told. */
function whole(name: keyof DeviceTelemetry, value: number | undefined): DeviceTelemetry {
  return value === undefined ? {} : { [name]: Math.round(value) };
}
