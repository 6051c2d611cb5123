/** What `nvidia-smi -q -x` leaves out: the names of slices, and which GPUs are linked. */
import { asDeviceId, type DeviceId } from "../../../base/ids.ts";
import type { DeviceLink } from "../device-source.ts";

/** A MIG slice of `nvidia-smi -L`. */
export interface ListedSlice {
  readonly gpuId: DeviceId;
  readonly index: number;
  readonly id: string;
  /** As `1g.10gb`. */
  readonly profile: string;
}

const GPU_LINE = /^GPU \d+:.*\(UUID: (GPU-[^)]+)\)/;
/** `  MIG 3g.20gb     Device  0: (UUID: MIG-…)` */
const SLICE_LINE = /^\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[^)]+)\)/;
/** The head of the table is underlined. */
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[\\d*m`, "g");

export function parseListing(text: string): readonly ListedSlice[] {
  const slices: ListedSlice[] = [];
  let gpuId: DeviceId | undefined;
  for (const line of text.split("\n")) {
    const [, gpu] = GPU_LINE.exec(line) ?? [];
    if (gpu !== undefined) gpuId = asDeviceId(gpu);
    const [, profile = "", index = "", id] = SLICE_LINE.exec(line) ?? [];
    if (id !== undefined && gpuId !== undefined) slices.push({ gpuId, index: Number(index), id, profile });
  }
  return slices;
}

/** The table of `nvidia-smi topo -m`: `NV12` is twelve NVLinks, or as many through switches. */
export function parseTopology(text: string, ids: readonly DeviceId[]): readonly DeviceLink[] {
  const lines = text.replace(COLOUR, "").split("\n");
  const head = lines.find((line) => /^\s*GPU0\b/.test(line) && !line.startsWith("GPU0"));
  const columns = head?.trim().split(/\s+/) ?? [];
  const links: DeviceLink[] = [];
  for (const line of lines) {
    const [row = "", ...cells] = line.split(/\s+/);
    const from = numberOf(row);
    if (from === undefined) continue;
    for (const [at, cell] of cells.entries()) {
      const to = numberOf(columns[at] ?? "");
      const lanes = /^NV(\d+)$/.exec(cell)?.[1];
      const a = ids[from];
      const b = ids[to ?? -1];
      if (lanes !== undefined && to !== undefined && from < to && a && b)
        links.push({ a, b, kind: "nvlink", lanes: Number(lanes) });
    }
  }
  return links;
}

function numberOf(name: string): number | undefined {
  const [, digits] = /^GPU(\d+)$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
