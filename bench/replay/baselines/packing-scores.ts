import type { Random } from "../../../test/support/random.ts";
import { kindOf, type PackingNode, type Pod, tightestDevice } from "./packing-cluster.ts";

/** How good a node (and there a device, for a share of one GPU) is for a pod that fits: higher is better. */
export interface Score {
  readonly value: number;
  readonly device: number;
}

/** Chooses among the nodes that fit. Equal scores go to the node that comes first. */
export type Scorer = (node: PackingNode, pod: Pod) => Score;

/** By which cores and GPUs of a node are made comparable: the largest host's. */
export interface Scale {
  readonly cpu: number;
  readonly milli: number;
}

/** The first node that fits, and there the tightest device. */
export const firstFit: Scorer = (node, pod) => ({ value: 0, device: tightestDevice(node, pod.milli) });

/** Any node that fits, and any of its devices. */
export function randomFit(random: Random): Scorer {
  return (node, pod) => {
    const devices = [...node.free.keys()].filter((index) => (node.free[index] ?? 0) >= pod.milli);
    return { value: random.next(), device: random.pick(devices) ?? -1 };
  };
}

/** The node that is left with the least: cores and GPUs, each as a part of the largest host's, count the same. */
export function bestFit(scale: Scale): Scorer {
  return (node, pod) => {
    const cpuLeft = (node.cpu - pod.cpu) / scale.cpu;
    const gpuLeft = (node.freeMilli - pod.milli * pod.gpus) / scale.milli;
    return { value: -(cpuLeft + gpuLeft), device: tightestDevice(node, pod.milli) };
  };
}

/**
 * The node whose free cores and GPUs, seen as a vector, point least in the direction of the demand: the reverse of Grandl et
 * al., "Multi-resource Packing" (SIGCOMM 2014), as Weng et al. compare with it.
 */
export function dotProduct(scale: Scale): Scorer {
  return (node, pod) => {
    const device = tightestDevice(node, pod.milli);
    const gpu = (node.freeMilli / scale.milli) * ((pod.milli * pod.gpus) / scale.milli);
    return { value: -((node.cpu / scale.cpu) * (pod.cpu / scale.cpu) + gpu), device };
  };
}

/** GPUs that are shared already before free ones of used nodes, and these before idle nodes. */
export const packing: Scorer = (node, pod) => {
  const device = tightestDevice(node, pod.milli);
  if (pod.gpus === 0) return { value: 0, device };
  const whole = node.free.filter((left) => left === 1_000).length;
  if (whole === node.gpus) return { value: 33 - whole, device };
  const left = node.free[device] ?? 0;
  return { value: left === 1_000 ? 50 - pod.gpus : 100 - left / 100, device };
};

/** Pods of one kind of demand together: on nodes with only this kind, then with it among others, then idle ones; fullest first. */
export function clustering(scale: Scale): Scorer {
  return (node, pod) => {
    const device = tightestDevice(node, pod.milli);
    if (pod.gpus === 0) return { value: 0, device };
    const fullness = 1 - node.freeMilli / scale.milli;
    const hasKind = node.kinds.has(kindOf(pod));
    if (hasKind) return { value: fullness + (node.kinds.size === 1 ? 3 : 2), device };
    return { value: fullness + (node.kinds.size === 0 ? 1 : 0), device };
  };
}
