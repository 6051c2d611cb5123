/** The answer of `nvidia-smi -q -x`, with the GPUs of which it only says that it cannot reach them. */
import { messageOf } from "../../../base/errors.ts";
import type { LostDevice } from "../device-source.ts";
import { normalPciAddress } from "../pci.ts";
import { type Gpu, toGpu } from "./gpu.ts";
import { GpuElement } from "./gpu-element.ts";
import type { ListedSlice } from "./listing.ts";

export interface Report {
  readonly driverVersion: string;
  readonly cudaVersion: string;
  readonly gpus: readonly Gpu[];
  readonly lost: readonly LostDevice[];
}

/** Each GPU by itself: one that is told badly, or not to its end, takes no other with it. */
const GPU = /<gpu id="([^"]*)">[\s\S]*?<\/gpu>/g;
/** `… for GPU 0000:05:00.0: GPU is lost.  Reboot the system …`, `… for GPU1: 0000:0A:00.0: Unknown Error`. */
const UNREACHABLE = /Unable to determine the device handle for gpu ?(?:\d+: )?([0-9a-f:.]+?): ([^\n<]+)/gi;

/** @param said all that it wrote, in whatever place */
export function parseReport(said: string, slices: readonly ListedSlice[]): Report {
  const gpus: Gpu[] = [];
  const lost: LostDevice[] = [];
  let index = 0;
  for (const [text, place = ""] of said.matchAll(GPU)) {
    const gpu = parseGpu(text, index, slices);
    if (typeof gpu === "string") lost.push(lostAt(place, gpu));
    else gpus.push(gpu);
    if (typeof gpu === "object" && gpu.devices.length === 0) lost.push(uncut(gpu));
    index += 1;
  }
  const unreachable = [...said.matchAll(UNREACHABLE)].map(([, place = "", why = ""]) => lostAt(place, why.trim()));
  lost.push(...unreachable);
  const attached = Number(tagged(said, "attached_gpus"));
  const missing = attached - index - unreachable.length;
  for (let count = 0; count < missing; count += 1)
    lost.push({
      id: undefined,
      pciBusId: "",
      why: `nvidia-smi tells of ${attached} GPUs and describes only ${gpus.length}`,
    });
  return {
    driverVersion: tagged(said, "driver_version"),
    cudaVersion: versionOf(tagged(said, "cuda_version")),
    gpus,
    lost,
  };
}

/** Or why it is none. */
function parseGpu(text: string, index: number, slices: readonly ListedSlice[]): Gpu | string {
  try {
    const element = GpuElement.parse(text);
    return toGpu(element, index, slices) ?? `its UUID is told as ${JSON.stringify(element.text("uuid"))}`;
  } catch (error) {
    return `what is told of it cannot be read: ${messageOf(error).split("\n")[0] ?? ""}`;
  }
}

function lostAt(place: string, why: string): LostDevice {
  const pciBusId = normalPciAddress(place) ?? "";
  return { id: undefined, pciBusId, why: `the GPU at ${place} does not answer: ${why}` };
}

function uncut({ id, pciBusId }: Gpu): LostDevice {
  const why = `${id} is to be used in slices (MIG), and none of them is told: no job can use it`;
  return { id, pciBusId, why, isUncut: true };
}

function tagged(text: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]?.trim() ?? "";
}

/** `N/A` is no version. */
function versionOf(text: string): string {
  return /^\d/.test(text) ? text : "";
}
