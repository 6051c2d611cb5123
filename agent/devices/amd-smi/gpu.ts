import { asDeviceId, type DeviceId } from "../../../base/ids.ts";
import {
  type Device,
  type DeviceLink,
  type DeviceProcess,
  type DeviceReading,
  UNTOLD_DEVICE,
} from "../device-source.ts";
import { normalPciAddress } from "../pci.ts";
import { find, listOf, megabytesOf, numberOf, textOf } from "./values.ts";

/** What AMD's tool numbers, and what we know it by. */
export interface ListedGpu {
  readonly number: number;
  readonly id: DeviceId;
  readonly pciBusId: string;
}

const THERMAL = ["prochot", "socket_thermal", "vr_thermal", "hbm_thermal", "thermal"];

/** The GPUs of `amd-smi list`. One that has no UUID is known by its place. */
export function parseList(json: unknown): readonly ListedGpu[] {
  return listOf(json).flatMap((entry) => {
    const number = numberOf(find(entry, "gpu"));
    if (number === undefined) return [];
    const pciBusId = normalPciAddress(textOf(find(entry, "bdf")) ?? "") ?? "";
    return { number, id: asDeviceId(textOf(find(entry, "uuid")) ?? `AMD-${pciBusId || number}`), pciBusId };
  });
}

/** By the tool's numbers. */
export function entriesByNumber(json: unknown): ReadonlyMap<number, unknown> {
  return new Map(listOf(json).map((entry) => [numberOf(find(entry, "gpu")) ?? -1, entry]));
}

/** @param told its entry of `amd-smi static` */
export function toDevice({ number, id, pciBusId }: ListedGpu, told: unknown): Device {
  return {
    ...UNTOLD_DEVICE,
    id,
    model: textOf(find(told, "asic.market_name", "board.product_name")) ?? "AMD GPU",
    memoryMb: megabytesOf(find(told, "vram.size", "vram.vram_size_mb")) ?? 0,
    index: number,
    pciBusId,
    slowdownC: slowdownOf(told),
    eccEnabled: enabled(find(told, "ras.ecc_block_state.UMC", "ras.ecc_block_state")),
    powerLimitW: numberOf(
      find(told, "limit.ppt0.socket_power_limit", "limit.socket_power", "limit.socket_power_limit", "limit.max_power"),
    ),
  };
}

/**
 * @param metric its entry of `amd-smi metric`
 * @param processes its entry of `amd-smi process`; undefined where they are not told
 */
export function toReading(id: DeviceId, metric: unknown, processes: unknown, told: unknown): DeviceReading {
  const temperatureC = numberOf(find(metric, "temperature.hotspot", "temperature.edge"));
  const slowdownC = slowdownOf(told);
  return {
    id,
    utilizationPercent: numberOf(find(metric, "usage.gfx_activity", "usage.gfx_usage")),
    memoryUtilizationPercent: numberOf(find(metric, "usage.umc_activity", "usage.mem_activity")),
    memoryUsedMb: megabytesOf(find(metric, "mem_usage.used_vram", "vram.vram_used", "fb_usage.fb_used")),
    temperatureC,
    slowdownMarginC: temperatureC === undefined || slowdownC === undefined ? undefined : slowdownC - temperatureC,
    powerW: numberOf(find(metric, "power.socket_power", "power.current_power", "power.average_socket_power")),
    energyJ: numberOf(find(metric, "energy.total_energy_consumption")),
    clockMhz: numberOf(find(metric, "clock.gfx_0.clk", "clock.gfx.clk", "clock.gfx_0.cur_clk")),
    memoryClockMhz: numberOf(find(metric, "clock.mem_0.clk", "clock.mem.clk", "clock.mem_0.cur_clk")),
    isThrottling: isThrottling(metric),
    eccCorrected: numberOf(find(metric, "ecc.total_correctable_count", "ecc.total_correctable")),
    eccUncorrected: numberOf(find(metric, "ecc.total_uncorrectable_count", "ecc.total_uncorrectable")),
    processes: processesOf(processes),
  };
}

/** The links of `amd-smi topology` that are not those of the bus. */
export function parseTopology(json: unknown, gpus: readonly ListedGpu[]): readonly DeviceLink[] {
  const ids = new Map(gpus.map(({ number, id }) => [number, id]));
  return listOf(json).flatMap((entry) => {
    const from = numberOf(find(entry, "gpu"));
    return listOf(find(entry, "links")).flatMap((link): DeviceLink[] => {
      const to = numberOf(find(link, "gpu"));
      const a = ids.get(from ?? -1);
      const b = ids.get(to ?? -1);
      if (from === undefined || to === undefined || !a || !b || from >= to) return [];
      // How many there are is not told.
      return textOf(find(link, "link_type"))?.toUpperCase() === "XGMI" ? [{ a, b, kind: "xgmi", lanes: 0 }] : [];
    });
  });
}

function slowdownOf(told: unknown): number | undefined {
  return numberOf(find(told, "limit.slowdown_hotspot_temperature", "limit.slowdown_edge_temperature"));
}

function isThrottling(metric: unknown): boolean | undefined {
  const told = THERMAL.flatMap((name) => textOf(find(metric, `throttle.${name}_violation_status`)) ?? []);
  if (told.length === 0) return undefined;
  return told.some((word) => ["ACTIVE", "TRUE", "1"].includes(word.toUpperCase()));
}

function enabled(value: unknown): boolean | undefined {
  const word = textOf(value)?.toUpperCase();
  return word === undefined ? undefined : word === "ENABLED" ? true : word === "DISABLED" ? false : undefined;
}

function processesOf(entry: unknown): readonly DeviceProcess[] | undefined {
  const list = find(entry, "process_list");
  if (!Array.isArray(list)) return undefined;
  return list.flatMap((one: unknown): DeviceProcess[] => {
    // A sentence stands where there are none.
    const info = find(one, "process_info");
    const pid = numberOf(find(info, "pid"));
    if (pid === undefined) return [];
    return [
      { pid, memoryMb: megabytesOf(find(info, "memory_usage.vram_mem", "vram_mem", "mem_usage")), kind: "compute" },
    ];
  });
}
