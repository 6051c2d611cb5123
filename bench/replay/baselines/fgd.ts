import { isModelAccepted, type PackingNode, type Pod } from "./packing-cluster.ts";
import type { Score, Scorer } from "./packing-scores.ts";

/** The most frequent kinds of pods that together are this part of the workload stand for all of it. */
const TYPICAL_PART = 0.95;

interface Typical {
  readonly pod: Pod;
  readonly weight: number;
}

/**
 * Fragmentation gradient descent (Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation
 * Gradient Descent", USENIX ATC 2023): the place by which the GPUs that the workload's typical pods cannot use grow least.
 *
 * @param tieBreak decides among equal gradients; without it the first node is taken
 */
export function fgd(workload: readonly Pod[], tieBreak?: Scorer): Scorer {
  const typical = typicalPods(workload);
  const cache = new WeakMap<PackingNode, { readonly version: string; readonly milli: number }>();
  return (node, pod) => {
    const before = fragmentedNow(node, typical, cache);
    const best = bestDevice(node, pod, before, typical);
    if (!tieBreak) return best;
    return { value: best.value + tieBreak(node, pod).value * 1e-6, device: best.device };
  };
}

function bestDevice(node: PackingNode, pod: Pod, before: number, typical: readonly Typical[]): Score {
  const cpu = node.cpu - pod.cpu;
  if (pod.gpus !== 1 || pod.milli === 1_000) {
    const free = withoutWhole(node.free, pod);
    return { value: points(before - fragmentedMilli(node.model, free, cpu, typical)), device: -1 };
  }
  let best: Score | undefined;
  const seen = new Set<number>();
  for (const [device, left] of node.free.entries()) {
    if (left < pod.milli || seen.has(left)) continue;
    seen.add(left);
    const free = node.free.with(device, left - pod.milli);
    const value = points(before - fragmentedMilli(node.model, free, cpu, typical));
    if (!best || value > best.value) best = { value, device };
  }
  return best ?? { value: Number.NEGATIVE_INFINITY, device: -1 };
}

/**
 * The authors' scale from 0 to 100 in whole numbers. That nearly equal gradients are equal on it, so that the order of the
 * nodes decides, is part of how good it is.
 */
function points(gradientMilli: number): number {
  return Math.floor(100 / (1 + Math.exp(-gradientMilli / 1_000)));
}

function withoutWhole(free: readonly number[], { gpus, milli }: Pod): number[] {
  let missing = gpus;
  return free.map((left) => (missing > 0 && left >= milli && missing-- > 0 ? left - milli : left));
}

/** A node's fragmentation changes only when the node does, and most do not between two pods. */
function fragmentedNow(
  node: PackingNode,
  typical: readonly Typical[],
  cache: WeakMap<PackingNode, { readonly version: string; readonly milli: number }>,
): number {
  const version = `${node.cpu} ${node.free.join(" ")}`;
  const known = cache.get(node);
  if (known?.version === version) return known.milli;
  const milli = fragmentedMilli(node.model, node.free, node.cpu, typical);
  cache.set(node, { version, milli });
  return milli;
}

/** Thousandths that a typical pod could not use: all that is free where it does not fit, else what is on too small devices. */
function fragmentedMilli(model: string, free: readonly number[], cpu: number, typical: readonly Typical[]): number {
  let total = 0;
  for (const left of free) total += left;
  if (total === 0) return 0;
  let sum = 0;
  for (const { pod, weight } of typical) {
    let [usable, devices] = [0, 0];
    for (const left of free) {
      if (left < pod.milli) continue;
      usable += left;
      devices += 1;
    }
    const isFit = pod.gpus > 0 && pod.cpu <= cpu && devices >= pod.gpus && isModelAccepted(model, pod);
    sum += weight * (isFit ? total - usable : total);
  }
  return sum;
}

function typicalPods(workload: readonly Pod[]): Typical[] {
  const kinds = Map.groupBy(workload, ({ gpus, milli, cpu, models }) => `${gpus} ${milli} ${cpu} ${models.join("|")}`);
  const sorted = [...kinds.values()].sort((a, b) => b.length - a.length);
  const typical: Typical[] = [];
  let covered = 0;
  for (const pods of sorted) {
    const [pod] = pods;
    if (!pod || covered >= TYPICAL_PART * workload.length) break;
    covered += pods.length;
    typical.push({ pod, weight: pods.length });
  }
  return typical.map(({ pod, weight }) => ({ pod, weight: weight / covered }));
}
