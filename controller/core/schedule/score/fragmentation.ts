import { type Demand, WHOLE_DEVICE } from "../../model/job.ts";
import type { Likenesses } from "../../model/likeness.ts";
import { freeHost, type Node } from "../../model/node.ts";
import type { MixedDemand } from "../demand-mix.ts";
import { isSuitable, nodeObstacle, type Share } from "../filter.ts";
import { countUpTo, sortedSizes, valuesOf } from "../shared-cost.ts";

/** Beyond so many different states of nodes they are worked out anew. */
const MAX_KNOWN = 16_384;

/** What is left of a node, as far as fragmentation is concerned. */
interface Rest {
  readonly node: Node;
  /** Free thousandths of each device, in the order of the inventory. */
  readonly milli: number[];
  cpuCores: number;
  memoryMb: number;
}

/**
 * Fragmentation gradient descent: how many more thousandths of GPUs of the node a typical job could not use, if a share
 * were taken from it. Negative where it uses up what was of little use anyway.
 *
 * What is left of one node after one job is what another has, or will have after another job, so that what a mix makes of it
 * is worked out once: otherwise the first job of each kind would have it worked out anew for every state that nodes are in.
 *
 * Source: Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent",
 * USENIX ATC 2023.
 */
export class Fragmentation {
  readonly mix: readonly MixedDemand[];
  readonly #likenesses: Likenesses;
  readonly #cores: Float64Array;
  readonly #memory: Float64Array;
  readonly #labels: ReadonlySet<string>;
  readonly #known = new Map<string, number>();

  /** @param mix what typical jobs ask for */
  constructor(mix: readonly MixedDemand[], likenesses: Likenesses) {
    this.mix = mix;
    this.#likenesses = likenesses;
    this.#cores = sortedSizes(mix.map(({ demand }) => demand.cpuCores));
    this.#memory = sortedSizes(mix.map(({ demand }) => demand.memoryMb));
    this.#labels = new Set(mix.flatMap(({ demand }) => Object.keys(demand.nodeSelector)));
  }

  /** In thousandths of a device, weighed over the mix. */
  growth(node: Node, demand: Demand, share: Share): number {
    if (this.mix.length === 0) return 0;
    const rest = restOf(node);
    const before = this.#of(rest);
    take(rest, demand, share);
    return this.#of(rest) - before;
  }

  #of(rest: Rest): number {
    const key = this.#keyOf(rest);
    let known = this.#known.get(key);
    if (known === undefined) {
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      known = fragmentation(rest, this.mix);
      this.#known.set(key, known);
    }
    return known;
  }

  /** All that a demand of the mix asks about. */
  #keyOf({ node, milli, cpuCores, memoryMb }: Rest): string {
    const host = `${countUpTo(this.#cores, cpuCores)} ${countUpTo(this.#memory, memoryMb)}`;
    const labels = this.#labels.size === 0 ? "" : valuesOf(node, this.#labels);
    return `${this.#likenesses.traitsOf(node)} ${host} ${milli.join()} ${labels}`;
  }
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
