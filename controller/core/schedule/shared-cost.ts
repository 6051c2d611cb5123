import type { Kind } from "../model/kind.ts";
import { freeHost, type Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import type { Share } from "./filter.ts";
import type { NodeCost } from "./node-ranking.ts";

/** Beyond so many different states of nodes their costs are worked out anew. */
const MAX_KNOWN = 4_096;
/** Above the number of sizes of memory that are told apart. */
const SIZES = 1_024;

/**
 * The same costs, worked out once for all nodes that are alike, until another mix of demands is drawn: to rank thousands of
 * nodes for a new kind of job costs little more than looking each of them up. Of the free memory only what can matter is
 * told apart, that is on which side it is of each size that is asked for; of the labels those that are.
 */
export function shareCosts(state: State, { demand }: Kind, share: Share, costOf: NodeCost): NodeCost {
  const { drawn } = state.scheduling.mix;
  const { likenesses } = state.cluster;
  const sizes = [share.memoryMb];
  const labels = new Set(Object.keys(demand.nodeSelector));
  for (const { demand: typical } of drawn) {
    // What the job leaves is asked about as well.
    sizes.push(typical.memoryMb, typical.memoryMb + share.memoryMb);
    for (const label of Object.keys(typical.nodeSelector)) labels.add(label);
  }
  const sorted = sortedSizes(sizes);
  const known = new Map<number | string, number>();
  return (node) => {
    const left = likenesses.of(node) * SIZES + countUpTo(sorted, freeHost(node).memoryMb);
    const key = labels.size === 0 ? left : `${left} ${valuesOf(node, labels)}`;
    const shared = known.get(key);
    if (shared !== undefined) return shared;
    if (known.size >= MAX_KNOWN) known.clear();
    const cost = costOf(node);
    known.set(key, cost);
    return cost;
  };
}

/** What the node is labelled with, in the order of the labels. */
export function valuesOf(node: Node, labels: ReadonlySet<string>): string {
  const values = node.record.inventory.labels;
  return JSON.stringify([...labels].map((label) => values[label] ?? null));
}

/** Each of the sizes once, for {@link countUpTo}. */
export function sortedSizes(sizes: readonly number[]): Float64Array {
  return Float64Array.from(new Set(sizes)).sort();
}

/** How many of the sorted sizes are not above the limit: limits of which that is equal are on the same side of each size. */
export function countUpTo(sorted: Float64Array, limit: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
