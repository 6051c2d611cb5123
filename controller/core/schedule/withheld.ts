import type { JobId } from "../../../base/ids.ts";
import { type Demand, WHOLE_DEVICE } from "../model/job.ts";
import { type Device, freeHost, type Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import { gpuCapacity, isSuitable, judge, nodeObstacle, type Room, roomOn, roomProblem, type Share } from "./filter.ts";
import type { Verdict, Withheld } from "./reason.ts";

/** What is withheld on the node of the devices that the job could take. */
export function withheldOn(node: Node, demand: Demand): Withheld {
  const counts = { throttling: 0, leftover: 0, claimed: 0 };
  if (demand.gpus === 0) return counts;
  const leftovers = new Set([...node.leftovers.values()].flat());
  for (const [index, device] of node.record.inventory.devices.entries()) {
    if ((node.room[index] ?? 0) >= demand.milli || isInUse(node, device, demand) || !isSuitable(device, demand))
      continue;
    if (leftovers.has(device.id)) counts.leftover += 1;
    else if (node.throttling.has(device.id)) counts.throttling += 1;
    else counts.claimed += 1;
  }
  return counts;
}

/** Whether jobs hold so much of the device that the job would not fit beside them. */
function isInUse(node: Node, device: Device, demand: Demand): boolean {
  const held = (node.held.get(device.id) ?? []).reduce((sum, { milli }) => sum + milli, 0);
  return held + demand.milli > WHOLE_DEVICE;
}

/** As {@link judge}, and what is withheld where there is too little room: too dear to ask of every node in a pass. */
export function judgeClosely(node: Node, demand: Demand, share: Share): Verdict {
  const verdict = judge(node, demand, share);
  if (verdict.answer !== "not-now" || nodeObstacle(node, demand)) return verdict;
  if (node.claims.size > 0 && !roomProblem(roomBesideClaims(node, demand), share)) {
    return { answer: "not-now", reason: { kind: "claimed", for: [...node.claims.keys()] } };
  }
  if (verdict.reason.kind !== "gpus-busy") return verdict;
  return { answer: "not-now", reason: { ...verdict.reason, withheld: withheldOn(node, demand) } };
}

/** What the node would have free if nothing were kept for jobs that others make room for. */
function roomBesideClaims(node: Node, demand: Demand): Room {
  let { cpuCores, memoryMb } = freeHost(node);
  for (const claimed of node.claims.values()) {
    cpuCores += claimed.cpuCores;
    memoryMb += claimed.memoryMb;
  }
  return { gpus: roomOn(node, demand).gpus + withheldOn(node, demand).claimed, cpuCores, memoryMb };
}

/**
 * For whom room is kept without which the job, which does not fit, would fit; empty when it would not fit either way.
 *
 * @param share the smallest that one node can take
 */
export function claimsInTheWay(state: State, demand: Demand, share: Share): readonly JobId[] {
  if (state.claims.size === 0) return [];
  const holders = new Set<JobId>();
  const wanted = Math.max(demand.gpus, 1);
  let capacity = 0;
  for (const node of state.cluster.nodes) {
    if (nodeObstacle(node, demand)) continue;
    const unclaimed = capacityIn(roomBesideClaims(node, demand), demand, share);
    capacity += unclaimed;
    if (unclaimed === capacityIn(roomOn(node, demand), demand, share)) continue;
    for (const id of node.claims.keys()) holders.add(id);
  }
  return capacity >= wanted ? [...holders] : [];
}

/** How many of the job's GPUs the room takes; 1 for a job without GPUs that fits. */
function capacityIn(room: Room, demand: Demand, share: Share): number {
  if (roomProblem(room, share)) return 0;
  return demand.gang && demand.gpusPerNode === undefined ? gpuCapacity(room, demand) : Math.max(share.gpus, 1);
}
