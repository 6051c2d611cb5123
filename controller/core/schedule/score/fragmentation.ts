import { type Demand, WHOLE_DEVICE } from "../../model/job.ts";
import { freeHost, type Node } from "../../model/node.ts";
import type { MixedDemand } from "../demand-mix.ts";
import { isSuitable, nodeObstacle, type Share } from "../filter.ts";

/** What is left of a node, as far as fragmentation is concerned. */
interface Rest {
  readonly node: Node;
  /** Free thousandths of each device, in the order of the inventory. */
  readonly milli: number[];
  cpuCores: number;
  memoryMb: number;
}

/**
 * Fragmentation gradient descent: how many more thousandths of GPUs of the node a typical job could not use, if this share
 * were taken from it. Negative where it uses up what was of little use anyway.
 *
 * Source: Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent",
 * USENIX ATC 2023.
 *
 * @returns thousandths of a device, weighed over the mix
 */
export function fragmentationGrowth(node: Node, demand: Demand, share: Share, mix: readonly MixedDemand[]): number {
  if (mix.length === 0) return 0;
  const rest = restOf(node);
  const before = fragmentation(rest, mix);
  take(rest, demand, share);
  return fragmentation(rest, mix) - before;
}

function restOf(node: Node): Rest {
  return {
    node,
    milli: node.claims.size === 0 ? [...node.room] : node.room.map((milli) => Math.max(0, milli)),
    ...freeHost(node),
  };
}

function take(rest: Rest, demand: Demand, share: Share): void {
  rest.cpuCores -= share.cpuCores;
  rest.memoryMb -= share.memoryMb;
  if (share.gpus === 0) return;
  const { milli } = rest;
  const order = rest.node.record.inventory.devices
    .map((device, index) => ({ device, index, free: milli[index] ?? 0 }))
    .filter(({ device, free }) => free >= demand.milli && isSuitable(device, demand))
    .sort((a, b) => a.free - b.free || a.device.memoryMb - b.device.memoryMb || a.index - b.index);
  for (const { index, free } of order.slice(0, share.gpus)) milli[index] = free - demand.milli;
}

/** The free thousandths that a job of the mix could not use, on average. */
function fragmentation(rest: Rest, mix: readonly MixedDemand[]): number {
  let sum = 0;
  for (const { demand, weight } of mix) sum += weight * unusable(rest, demand);
  return sum;
}

function unusable(rest: Rest, demand: Demand): number {
  const { devices } = rest.node.record.inventory;
  let free = 0;
  let usable = 0;
  let fitting = 0;
  for (let index = 0; index < rest.milli.length; index += 1) {
    const milli = rest.milli[index] ?? 0;
    free += milli;
    const device = devices[index];
    if (!device || milli < demand.milli || !isSuitable(device, demand)) continue;
    usable += milli;
    fitting += 1;
  }
  if (free === 0) return 0;
  const needed = demand.gang ? Math.min(1, demand.gpus) : demand.gpus;
  const isTooSmall = rest.cpuCores < demand.cpuCores || rest.memoryMb < demand.memoryMb || fitting < needed;
  const cannot = (!demand.gang && isTooSmall) || demand.gpus === 0 || refuses(rest.node, demand);
  return cannot ? free : free - usable;
}

function refuses(node: Node, demand: Demand): boolean {
  if (demand.milli < WHOLE_DEVICE && !node.record.inventory.allowsSharing) return true;
  return nodeObstacle(node, demand)?.answer === "never";
}
