import type { ReplayJob, ReplayNode } from "../../../controller/replay/workload.ts";

/** What a pod asks for. Its GPUs are on one node. */
export interface Pod {
  /** Thousandths of each of its GPUs; 0 for a pod without. */
  readonly milli: number;
  readonly gpus: number;
  readonly cpu: number;
  readonly memoryMb: number;
  /** Lower-case parts of model names; empty is any. */
  readonly models: readonly string[];
}

/** A node that fills up. */
export interface PackingNode {
  readonly name: string;
  readonly model: string;
  readonly gpus: number;
  /** Thousandths that are free on each device. */
  readonly free: number[];
  freeMilli: number;
  cpu: number;
  memoryMb: number;
  /** How many pods of each kind of GPU demand are here: what clustering looks at. */
  readonly kinds: Map<string, number>;
}

/** What the kind of demand is called for clustering: "share", or the number of whole GPUs. */
export function kindOf({ milli, gpus }: Pod): string {
  return milli < 1_000 ? "share" : `${gpus}`;
}

/** A job's demand as a pod. */
export function podOf({ spec }: ReplayJob): Pod {
  return {
    milli: spec.gpuCount === 0 ? 0 : (spec.gpuMilli ?? 1_000),
    gpus: spec.gpuCount,
    cpu: spec.cpuCores ?? 0,
    memoryMb: spec.memoryMb ?? 0,
    models: (spec.gpuModel ?? "")
      .toLowerCase()
      .split("|")
      .filter((part) => part !== ""),
  };
}

/** An empty node. */
export function packingNode(node: ReplayNode): PackingNode {
  return {
    name: node.name,
    model: node.gpuModel.toLowerCase(),
    gpus: node.gpus,
    free: Array.from({ length: node.gpus }, () => 1_000),
    freeMilli: node.gpus * 1_000,
    cpu: node.cpuCores,
    memoryMb: node.memoryMb,
    kinds: new Map(),
  };
}

/** Whether the pod could be put here now. */
export function fits(node: PackingNode, pod: Pod): boolean {
  if (node.cpu < pod.cpu || node.memoryMb < pod.memoryMb || node.freeMilli < pod.milli * pod.gpus) return false;
  if (pod.gpus === 0) return true;
  if (!isModelAccepted(node.model, pod)) return false;
  let enough = 0;
  for (const free of node.free) if (free >= pod.milli) enough += 1;
  return enough >= pod.gpus;
}

/** Whether the model is one of those that the pod asks for. */
export function isModelAccepted(model: string, { models }: Pick<Pod, "models">): boolean {
  return models.length === 0 || models.some((part) => model.includes(part));
}

/** The device with the least left that is enough for a share; -1 when there is none. */
export function tightestDevice({ free }: PackingNode, milli: number): number {
  let chosen = -1;
  for (const [index, left] of free.entries()) {
    if (left >= milli && (chosen < 0 || left < (free[chosen] ?? 0))) chosen = index;
  }
  return chosen;
}

/** Puts the pod here: on this device, or on the first whole ones that are free. */
export function put(node: PackingNode, pod: Pod, device: number): void {
  node.cpu -= pod.cpu;
  node.memoryMb -= pod.memoryMb;
  node.freeMilli -= pod.milli * pod.gpus;
  if (pod.gpus === 0) return;
  const kind = kindOf(pod);
  node.kinds.set(kind, (node.kinds.get(kind) ?? 0) + 1);
  if (pod.gpus === 1 && device >= 0) {
    node.free[device] = (node.free[device] ?? 0) - pod.milli;
    return;
  }
  let missing = pod.gpus;
  for (const [index, left] of node.free.entries()) {
    if (missing === 0) break;
    if (left < pod.milli) continue;
    node.free[index] = left - pod.milli;
    missing -= 1;
  }
}
