/** Devices, their links and readings between the wire and the core. What was not told is absent on both sides. */
import { asDeviceId } from "../../../base/ids.ts";
import type { Device as DeviceMessage, Device__Output } from "../../../proto/generated/gpusched/v1/Device.ts";
import type { DeviceLink__Output } from "../../../proto/generated/gpusched/v1/DeviceLink.ts";
import type { DeviceTelemetry, DeviceTelemetry__Output } from "../../../proto/generated/gpusched/v1/DeviceTelemetry.ts";
import type { Device, DeviceLink, DeviceReading } from "../../core/model/node.ts";

export function toDevice(message: Device__Output): Device {
  return {
    id: asDeviceId(message.id),
    model: message.model,
    memoryMb: message.memory_mb,
    index: message.index,
    pciBusId: message.pci_bus_id,
    ...(message.numa_node === undefined ? {} : { numaNode: message.numa_node }),
    ...(message.nvlink_island === undefined ? {} : { island: message.nvlink_island }),
    ...(message.slowdown_c === undefined ? {} : { slowdownC: message.slowdown_c }),
    ...(message.parent_id === "" ? {} : { parentId: asDeviceId(message.parent_id) }),
    ...(message.mig_profile === "" ? {} : { migProfile: message.mig_profile }),
    ...(message.ecc_enabled === undefined ? {} : { eccEnabled: message.ecc_enabled }),
    ...(message.power_limit_w === undefined ? {} : { powerLimitW: message.power_limit_w }),
    ...(message.max_clock_mhz === undefined ? {} : { maxClockMhz: message.max_clock_mhz }),
  };
}

export function fromDevice(device: Device): DeviceMessage {
  return {
    id: device.id,
    model: device.model,
    memory_mb: device.memoryMb,
    index: device.index,
    pci_bus_id: device.pciBusId,
    ...(device.numaNode === undefined ? {} : { numa_node: device.numaNode }),
    ...(device.island === undefined ? {} : { nvlink_island: device.island }),
    ...(device.slowdownC === undefined ? {} : { slowdown_c: device.slowdownC }),
    parent_id: device.parentId ?? "",
    mig_profile: device.migProfile ?? "",
    ...(device.eccEnabled === undefined ? {} : { ecc_enabled: device.eccEnabled }),
    ...(device.powerLimitW === undefined ? {} : { power_limit_w: device.powerLimitW }),
    ...(device.maxClockMhz === undefined ? {} : { max_clock_mhz: device.maxClockMhz }),
  };
}

export function toLink({ a, b, kind, lanes }: DeviceLink__Output): DeviceLink {
  return { a: asDeviceId(a), b: asDeviceId(b), kind, lanes };
}

export function toReading(message: DeviceTelemetry__Output): DeviceReading {
  return {
    id: asDeviceId(message.id),
    utilizationPercent: message.utilization_percent,
    memoryUsedMb: message.memory_used_mb,
    temperatureC: message.temperature_c,
    powerW: message.power_w,
    ...(message.throttling ? { isThrottling: true } : {}),
    memoryUtilizationPercent: message.memory_utilization_percent,
    clockMhz: message.clock_mhz,
    memoryClockMhz: message.memory_clock_mhz,
    energyJ: message.energy_j,
    slowdownMarginC: message.slowdown_margin_c,
    eccCorrected: message.ecc_corrected,
    eccUncorrected: message.ecc_uncorrected,
  };
}

export function fromReading(reading: DeviceReading): DeviceTelemetry {
  return {
    id: reading.id,
    ...(reading.utilizationPercent === undefined ? {} : { utilization_percent: reading.utilizationPercent }),
    ...(reading.memoryUsedMb === undefined ? {} : { memory_used_mb: reading.memoryUsedMb }),
    ...(reading.temperatureC === undefined ? {} : { temperature_c: reading.temperatureC }),
    ...(reading.powerW === undefined ? {} : { power_w: reading.powerW }),
    throttling: reading.isThrottling ?? false,
    ...(reading.memoryUtilizationPercent === undefined
      ? {}
      : { memory_utilization_percent: reading.memoryUtilizationPercent }),
    ...(reading.clockMhz === undefined ? {} : { clock_mhz: reading.clockMhz }),
    ...(reading.memoryClockMhz === undefined ? {} : { memory_clock_mhz: reading.memoryClockMhz }),
    ...(reading.energyJ === undefined ? {} : { energy_j: reading.energyJ }),
    ...(reading.slowdownMarginC === undefined ? {} : { slowdown_margin_c: reading.slowdownMarginC }),
    ...(reading.eccCorrected === undefined ? {} : { ecc_corrected: reading.eccCorrected }),
    ...(reading.eccUncorrected === undefined ? {} : { ecc_uncorrected: reading.eccUncorrected }),
  };
}
