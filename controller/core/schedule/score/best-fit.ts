import { type Demand, WHOLE_DEVICE } from "../../model/job.ts";
import type { Node } from "../../model/node.ts";
import { roomOn, type Share } from "../filter.ts";

/** Above any cost of this file, so that another cost can be put before it. */
export const BEST_FIT_SCALE = 1e10;

/**
 * Best fit: the node that is left with the fewest free GPUs, so that whole nodes stay free for large jobs; a job without
 * GPUs goes where there are the fewest to block, a share of a GPU where the least is left over. Then cool devices, then the
 * smallest GPUs that suffice, then the fewest cores left. Below {@link BEST_FIT_SCALE}.
 */
export function bestFitCost(node: Node, demand: Demand, share: Share): number {
  const room = roomOn(node, demand);
  const smallestMb = room.devices.reduce((least, { memoryMb }) => Math.min(least, memoryMb), Number.MAX_SAFE_INTEGER);
  const hot = room.devices.length - room.devices.filter(({ id }) => node.hot.has(id)).length < share.gpus ? 1 : 0;
  const memory = share.gpus === 0 ? 0 : Math.min(999, Math.floor(smallestMb / 1_024));
  const cores = Math.min(999, Math.max(0, room.cpuCores - share.cpuCores));
  return leftover(node, demand, share, room.devices.length) * 2e6 + hot * 1e6 + memory * 1e3 + cores;
}

function leftover(node: Node, demand: Demand, share: Share, fitting: number): number {
  if (share.gpus === 0) return node.record.inventory.devices.length;
  if (demand.milli === WHOLE_DEVICE) return fitting - share.gpus;
  const left = node.room.filter((free) => free >= demand.milli).map((free) => free - demand.milli);
  return Math.min(WHOLE_DEVICE, ...left);
}
