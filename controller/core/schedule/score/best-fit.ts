import { type Demand, WHOLE_DEVICE } from "../../model/job.ts";
import { freeHost, type Node } from "../../model/node.ts";
import { isSuitable, type Share } from "../filter.ts";

/** Above any cost of this file, so that another cost can be put before it. */
export const BEST_FIT_SCALE = 1e10;

/**
 * Best fit: the node that is left with the fewest free GPUs, so that whole nodes stay free for large jobs; a job without
 * GPUs goes where there are the fewest to block, a share of a GPU where the least is left over. Then cool devices, then the
 * smallest GPUs that suffice, then the fewest cores left. Below {@link BEST_FIT_SCALE}.
 */
export function bestFitCost(node: Node, demand: Demand, share: Share): number {
  const { cpuCores } = freeHost(node);
  const { devices } = node.record.inventory;
  let [fitting, cool, smallestMb, leastMilli] = [0, 0, Number.MAX_SAFE_INTEGER, WHOLE_DEVICE];
  for (let index = 0; demand.gpus > 0 && index < devices.length; index += 1) {
    const device = devices[index];
    const free = node.room[index] ?? 0;
    if (free >= demand.milli) leastMilli = Math.min(leastMilli, free - demand.milli);
    if (!device || free < demand.milli || !isSuitable(device, demand)) continue;
    fitting += 1;
    if (!node.hot.has(device.id)) cool += 1;
    smallestMb = Math.min(smallestMb, device.memoryMb);
  }
  const hot = cool < share.gpus ? 1 : 0;
  const memory = share.gpus === 0 ? 0 : Math.min(999, Math.floor(smallestMb / 1_024));
  const cores = Math.min(999, Math.max(0, cpuCores - share.cpuCores));
  const shared = demand.milli === WHOLE_DEVICE ? fitting - share.gpus : leastMilli;
  const leftover = share.gpus === 0 ? devices.length : shared;
  return leftover * 2e6 + hot * 1e6 + memory * 1e3 + cores;
}
