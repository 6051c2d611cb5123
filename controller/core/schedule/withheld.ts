import type { DeviceId, JobId } from "../../../base/ids.ts";
import { type ClaimedShare, type Demand, WHOLE_DEVICE } from "../model/job.ts";
import { freeHost, type Node } from "../model/node.ts";
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
  if (demand.gpus === 0 || !hasWithheld(node)) return NOTHING;
  const counts = { throttling: 0, leftover: 0, claimed: 0 };
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

/** Whether anything is: of nearly every node nothing, and a message asks them all. */
function hasWithheld({ leftovers, throttling, claims }: Node): boolean {
  return leftovers.size + throttling.size + claims.size > 0;
}

const NOTHING: Withheld = { throttling: 0, leftover: 0, claimed: 0 };

/** As {@link judge}, of a job that waits, and with what is withheld from it: too dear to ask of every node in a pass. */
export function judgeClosely(node: Node, demand: Demand, share: Share, jobId: JobId): Verdict {
  const verdict = judge(node, demand, share);
  if (verdict.answer === "never" || (verdict.answer === "not-now" && !hasWithheld(node))) return verdict;
  if (nodeObstacle(node, demand)) return verdict;
  const room = roomWithout(node, demand, ownClaim(node, jobId));
  const busy = roomProblem(room, share);
  if (!busy) return { answer: "fits", gpus: capacityIn(room, demand, share) };
  if (node.claims.size > 0 && !roomProblem(roomBesideClaims(node, demand), share)) {
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
export function roomBesideClaims(node: Node, demand: Demand): Room {
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
 * How many of the job's GPUs the room takes, each with its part of cores and memory; 1 for a job without GPUs that fits.
 *
 * @param share the smallest that one node can take
 */
export function capacityIn(room: Room, demand: Demand, share: Share): number {
  if (roomProblem(room, share)) return 0;
  return demand.gang && demand.gpusPerNode === undefined ? gpuCapacity(room, demand) : Math.max(share.gpus, 1);
}
