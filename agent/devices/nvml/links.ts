import { samePciAddress } from "../pci.ts";
import type { Handle, NvmlFunctions } from "./functions.ts";
import type { NvmlList } from "./messages.ts";

const MAX_LINKS = 36;
const REMOTE_IS_GPU = 0;
const REMOTE_IS_SWITCH = 2;
const P2P_OVER_NVLINK = 2;
const P2P_OK = 0;

/** A whole GPU: slices have no links. */
export interface LinkedGpu {
  readonly id: string;
  readonly handle: Handle;
  readonly pciBusId: string;
}

interface FarEnd {
  readonly kind: number | undefined;
  readonly pciBusId: string;
}

/** Which of the GPUs reach each other over NVLink, directly or through switches, and by how many links. */
export function linksBetween(nvml: NvmlFunctions, gpus: readonly LinkedGpu[]): NvmlList["links"] {
  const farEnds = gpus.map(({ handle }) => farEndsOf(nvml, handle));
  return gpus.flatMap((a, at) =>
    gpus.slice(at + 1).flatMap((b, after) => {
      const other = at + 1 + after;
      const direct = countTo(farEnds[at] ?? [], b);
      if (direct > 0) return [{ a: a.id, b: b.id, kind: "nvlink", lanes: direct }];
      // Through a switch all reach all: the driver knows whether they really do.
      if (!isReachable(nvml, a.handle, b.handle)) return [];
      const lanes = Math.min(countToSwitches(farEnds[at] ?? []), countToSwitches(farEnds[other] ?? []));
      return [{ a: a.id, b: b.id, kind: lanes > 0 ? "nvswitch" : "nvlink", lanes }];
    }),
  );
}

/** The other ends of a GPU's active links. */
function farEndsOf(nvml: NvmlFunctions, gpu: Handle): readonly FarEnd[] {
  const ends: FarEnd[] = [];
  for (let link = 0; link < MAX_LINKS; link += 1) {
    const isActive = nvml.told(() => nvml.number("nvmlDeviceGetNvLinkState", "void *, uint", gpu, link));
    // Not even the first one: this GPU has none.
    if (isActive === undefined && link === 0) return [];
    if (isActive !== 1) continue;
    ends.push({
      kind: nvml.told(() => nvml.number("nvmlDeviceGetNvLinkRemoteDeviceType", "void *, uint", gpu, link)),
      pciBusId: nvml.told(() => remotePciBusId(nvml, gpu, link)) ?? "",
    });
  }
  return ends;
}

function remotePciBusId(nvml: NvmlFunctions, gpu: Handle, link: number): string {
  const out = { busId: "" };
  nvml.call("nvmlDeviceGetNvLinkRemotePciInfo_v2", "void *, uint, _Out_ nvmlPciInfo *", gpu, link, out);
  return out.busId;
}

/** Where the driver does not say what is at the other end, its address does. */
function countTo(ends: readonly FarEnd[], { pciBusId }: LinkedGpu): number {
  return ends.filter((end) => (end.kind ?? REMOTE_IS_GPU) === REMOTE_IS_GPU && samePciAddress(end.pciBusId, pciBusId))
    .length;
}

function countToSwitches(ends: readonly FarEnd[]): number {
  return ends.filter(({ kind }) => kind === REMOTE_IS_SWITCH).length;
}

function isReachable(nvml: NvmlFunctions, a: Handle, b: Handle): boolean {
  const ask = () => nvml.number("nvmlDeviceGetP2PStatus", "void *, void *, int", a, b, P2P_OVER_NVLINK);
  return nvml.told(ask) === P2P_OK;
}
