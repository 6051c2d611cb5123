import type { DeviceId, JobId } from "../../../base/ids.ts";
import { type ClaimedShare, type Demand, WHOLE_DEVICE } from "../model/job.ts";
import { freeHost, type Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import {
  countFitting,
  gpuCapacity,
  isSuitable,
  judge,
  nodeObstacle,
  type Room,
  roomOn,
  roomProblem,
  type Share,
} from "./filter.ts";
import type { Verdict, Withheld } from "./reason.ts";

/** What is withheld on the node of the devices that the job could take; what is kept for the job itself is not. */
export function withheldOn(node: Node, demand: Demand, jobId: JobId): Withheld {
  const counts = { throttling: 0, leftover: 0, claimed: 0 };
  if (demand.gpus === 0) return counts;
  const leftovers = new Set([...node.leftovers.values()].flat());
  const room = roomOfDevices(node, ownClaim(node, jobId));
  for (const [index, device] of node.record.inventory.devices.entries()) {
    if ((room[index] ?? 0) >= demand.milli || !isSuitable(device, demand)) continue;
    const held = (node.held.get(device.id) ?? []).reduce((sum, { milli }) => sum + milli, 0);
    if (held + demand.milli > WHOLE_DEVICE) continue;
    if (leftovers.has(device.id)) counts.leftover += 1;
    else if (node.throttling.has(device.id)) counts.throttling += 1;
    else counts.claimed += 1;
  }
  return counts;
}

/** As {@link judge}, of a job that waits, and with what is withheld from it: too dear to ask of every node in a pass. */
export function judgeClosely(node: Node, demand: Demand, share: Share, jobId: JobId): Verdict {
  const verdict = judge(node, demand, share);
  if (verdict.answer !== "not-now" || nodeObstacle(node, demand)) return verdict;
  const busy = roomProblem(roomWithout(node, demand, ownClaim(node, jobId)), share);
  if (!busy) return { answer: "fits" };
  if (!roomProblem(roomBesideClaims(node, demand), share)) {
    return { answer: "not-now", reason: { kind: "claimed", for: [...node.claims.keys()] } };
  }
  const withheld = busy.kind === "gpus-busy" ? { withheld: withheldOn(node, demand, jobId) } : {};
  return { answer: "not-now", reason: { ...busy, ...withheld } };
}

function ownClaim(node: Node, jobId: JobId): readonly ClaimedShare[] {
  const own = node.claims.get(jobId);
  return own ? [own] : [];
}

/** What the node would have free if nothing were kept for jobs that others make room for. */
function roomBesideClaims(node: Node, demand: Demand): Room {
  return roomWithout(node, demand, [...node.claims.values()]);
}

/** What the node would have free if these were not kept for anybody. */
function roomWithout(node: Node, demand: Demand, claims: readonly ClaimedShare[]): Room {
  if (claims.length === 0) return roomOn(node, demand);
  let { cpuCores, memoryMb } = freeHost(node);
  for (const claimed of claims) {
    cpuCores += claimed.cpuCores;
    memoryMb += claimed.memoryMb;
  }
  const gpus = demand.gpus === 0 ? 0 : countFitting(node, roomOfDevices(node, claims), demand);
  return { gpus, cpuCores, memoryMb };
}

/** As {@link Node.room} would be without these claims. */
function roomOfDevices(node: Node, claims: readonly ClaimedShare[]): readonly number[] {
  if (claims.length === 0) return node.room;
  const blocked = new Set<DeviceId>([...node.throttling, ...[...node.leftovers.values()].flat()]);
  return node.record.inventory.devices.map(({ id }, index) => {
    const free = node.room[index] ?? 0;
    if (blocked.has(id)) return free;
    const own = claims.filter(({ devices }) => devices.includes(id));
    return own.reduce((sum, { milli = WHOLE_DEVICE }) => sum + milli, free);
  });
}

/**
 * For whom room is kept without which the job, which does not fit, would fit; empty when it would not fit either way.
 *
 * @param share the smallest that one node can take
 */
export function claimsInTheWay(state: State, demand: Demand, share: Share): readonly JobId[] {
  if (state.claims.size === 0) return [];
  const holders = new Set<JobId>();
  let capacity = 0;
  for (const node of state.cluster.nodes) {
    if (nodeObstacle(node, demand)) continue;
    const unclaimed = capacityIn(roomBesideClaims(node, demand), demand, share);
    capacity += unclaimed;
    if (unclaimed === capacityIn(roomOn(node, demand), demand, share)) continue;
    for (const id of node.claims.keys()) holders.add(id);
  }
  return capacity >= Math.max(demand.gpus, 1) ? [...holders] : [];
}

/** How many of the job's GPUs the room takes; 1 for a job without GPUs that fits. */
function capacityIn(room: Room, demand: Demand, share: Share): number {
  if (roomProblem(room, share)) return 0;
  return demand.gang && demand.gpusPerNode === undefined ? gpuCapacity(room, demand) : Math.max(share.gpus, 1);
}
