import { type Demand, WHOLE_DEVICE } from "../model/job.ts";
import { type Device, freeHost, GOOD_BEATS_NEEDED, type Node } from "../model/node.ts";
import type { NodeReason, Verdict } from "./reason.ts";
import { volumeObstacle } from "./volumes.ts";

/** What a node could give to a job: how many suitable devices are free, and what else is. */
export interface Room {
  readonly gpus: number;
  readonly cpuCores: number;
  readonly memoryMb: number;
}

/** What one rank asks of one node. */
export interface Share {
  readonly gpus: number;
  readonly cpuCores: number;
  readonly memoryMb: number;
}

/** The part of a job's cores and memory that goes with so many of its GPUs, rounded up; all of it for a job without GPUs. */
export function shareOf(demand: Demand, gpus: number): Share {
  if (demand.gpus === 0) return { gpus: 0, cpuCores: demand.cpuCores, memoryMb: demand.memoryMb };
  return {
    gpus,
    cpuCores: Math.ceil((demand.cpuCores * gpus) / demand.gpus),
    memoryMb: Math.ceil((demand.memoryMb * gpus) / demand.gpus),
  };
}

/** Whether the device is of a kind that the job accepts. */
export function isSuitable(device: Device, demand: Demand): boolean {
  const { gpuMemoryMb: least, maxGpuMemoryMb: most } = demand;
  if (device.memoryMb < least || (most !== undefined && device.memoryMb > most)) return false;
  return demand.gpuModels.length === 0 || isOfModel(device.model, demand);
}

/** Few models, asked for very often. */
const answers = new WeakMap<Demand, Map<string, boolean>>();

function isOfModel(model: string, demand: Demand): boolean {
  const known = answers.get(demand) ?? new Map<string, boolean>();
  let answer = known.get(model);
  if (answer === undefined) {
    const name = model.toLowerCase();
    answer = demand.gpuModels.some((part) => name.includes(part));
    answers.set(demand, known.set(model, answer));
  }
  return answer;
}

/** The reason, independent of size, for which the node takes nothing of this job; undefined when it does. */
export function nodeObstacle(node: Node, demand: Demand): Exclude<Verdict, { answer: "fits" }> | undefined {
  const { inventory } = node.record;
  if (!demand.hasImage && inventory.executor === "docker") return never({ kind: "needs-image" });
  if (demand.milli < WHOLE_DEVICE && !inventory.allowsSharing) return never({ kind: "no-sharing" });
  const volume = volumeObstacle(inventory, demand);
  if (volume) return never(volume);
  for (const label in demand.nodeSelector) {
    const has = inventory.labels[label];
    const wants = demand.nodeSelector[label] ?? "";
    if (has !== wants) return never({ kind: "selector", label, wants, has });
  }
  if (node.reach !== "online") return notNow({ kind: "not-online", reach: node.reach });
  // Its agent cannot be told: it may be back at once, or be dead.
  if (node.session === undefined) return notNow({ kind: "not-connected" });
  if (node.record.cordon) return notNow({ kind: "cordoned" });
  if (!node.executorReady) return notNow({ kind: "executor-not-ready", message: node.executorMessage });
  const { goodBeats: good } = node;
  return good === undefined ? undefined : notNow({ kind: "proving", good, needed: GOOD_BEATS_NEEDED });
}

/** What is free on the node for a job of this kind. */
export function roomOn(node: Node, demand: Demand): Room {
  const { cpuCores, memoryMb } = freeHost(node);
  return { gpus: demand.gpus === 0 ? 0 : countFitting(node, node.room, demand), cpuCores, memoryMb };
}

/** How many of the node's devices the job could take if so many thousandths of each were free. */
export function countFitting(node: Node, room: readonly number[], demand: Demand): number {
  const { devices } = node.record.inventory;
  let count = 0;
  for (let index = 0; index < devices.length; index += 1) {
    const device = devices[index];
    if (device && (room[index] ?? 0) >= demand.milli && isSuitable(device, demand)) count += 1;
  }
  return count;
}

/** The node's devices that the job could take now. */
export function fittingDevices({ room, record }: Node, demand: Demand): readonly Device[] {
  if (demand.gpus === 0) return [];
  const { devices } = record.inventory;
  return devices.filter((device, index) => (room[index] ?? 0) >= demand.milli && isSuitable(device, demand));
}

/** Whether this node can run this share of the job: fits, not now, or never, each with its reason. */
export function judge(node: Node, demand: Demand, share: Share): Verdict {
  const obstacle = nodeObstacle(node, demand);
  if (obstacle?.answer === "never") return obstacle;
  const tooSmall = sizeProblem(node, demand, share);
  if (tooSmall) return never(tooSmall);
  if (obstacle) return obstacle;
  const busy = roomProblem(roomOn(node, demand), share);
  return busy ? notNow(busy) : FITS;
}

const FITS: Verdict = { answer: "fits" };

/** What the node lacks even when it is empty. */
function sizeProblem(node: Node, demand: Demand, share: Share): NodeReason | undefined {
  const { inventory } = node.record;
  let suitable = 0;
  for (const device of inventory.devices) if (isSuitable(device, demand)) suitable += 1;
  if (suitable < share.gpus) return { kind: "too-few-gpus", has: suitable, wants: share.gpus };
  if (inventory.cpuCores < share.cpuCores) {
    return { kind: "too-few-cores", has: inventory.cpuCores, wants: share.cpuCores };
  }
  if (inventory.memoryMb < share.memoryMb) {
    return { kind: "too-little-memory", hasMb: inventory.memoryMb, wantsMb: share.memoryMb };
  }
  return undefined;
}

/** What of the share the room does not have. */
export function roomProblem(room: Room, share: Share): NodeReason | undefined {
  if (room.gpus < share.gpus) return { kind: "gpus-busy", free: room.gpus, wants: share.gpus };
  if (room.cpuCores < share.cpuCores) return { kind: "cores-busy", free: room.cpuCores, wants: share.cpuCores };
  if (room.memoryMb < share.memoryMb) return { kind: "memory-busy", freeMb: room.memoryMb, wantsMb: share.memoryMb };
  return undefined;
}

/** How many of the job's GPUs the room can take, each with its part of the cores and memory. */
export function gpuCapacity(room: Room, demand: Demand): number {
  let gpus = Math.min(room.gpus, demand.gpus);
  while (gpus > 0 && roomProblem(room, shareOf(demand, gpus))) gpus -= 1;
  return gpus;
}

function never(reason: NodeReason): Exclude<Verdict, { answer: "fits" }> {
  return { answer: "never", reason };
}

function notNow(reason: NodeReason): Exclude<Verdict, { answer: "fits" }> {
  return { answer: "not-now", reason };
}
