import type { JobId } from "../../../base/ids.ts";
import { type ClaimedShare, type Demand, WHOLE_DEVICE } from "../model/job.ts";
import { freeHost, type Node } from "../model/node.ts";
import { describeWithholding } from "../model/withheld.ts";
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

/** Of more devices that are withheld for their condition only the number is told. */
const MAX_TOLD = 3;

/** What is withheld on the node of the devices that the job could take; what is kept for the job itself is not. */
export function withheldOn(node: Node, demand: Demand, jobId: JobId): Withheld {
  if (demand.gpus === 0 || !hasWithheld(node)) return NOTHING;
  const counts = { throttling: 0, leftover: 0, claimed: 0, conditions: 0 };
  const told: string[] = [];
  const room = roomOfDevices(node, ownClaim(node, jobId));
  for (const [index, device] of node.record.inventory.devices.entries()) {
    if ((room[index] ?? 0) >= demand.milli || !isSuitable(device, demand)) continue;
    const held = (node.held.get(device.id) ?? []).reduce((sum, { milli }) => sum + milli, 0);
    if (held + demand.milli > WHOLE_DEVICE) continue;
    const withholding = node.withheld.get(device.id);
    if (!withholding) counts.claimed += 1;
    else if (withholding.kind === "condition") {
      counts.conditions += 1;
      if (told.length < MAX_TOLD) told.push(describeWithholding(device.id, withholding.why));
    } else counts[withholding.kind] += 1;
  }
  return { ...counts, told };
}

/** Whether anything is: of nearly every node nothing, and a message asks them all. */
function hasWithheld({ withheld, claims }: Node): boolean {
  return withheld.size + claims.size > 0;
}

const NOTHING: Withheld = { throttling: 0, leftover: 0, claimed: 0, conditions: 0, told: [] };

/** What several nodes withhold. */
export function sumWithheld(all: readonly Withheld[]): Withheld {
  const count = (kind: Exclude<keyof Withheld, "told">) => all.reduce((sum, one) => sum + one[kind], 0);
  return {
    throttling: count("throttling"),
    leftover: count("leftover"),
    claimed: count("claimed"),
    conditions: count("conditions"),
    told: all.flatMap(({ told }) => told).slice(0, MAX_TOLD),
  };
}

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
  return node.record.inventory.devices.map(({ id }, index) => {
    const free = node.room[index] ?? 0;
    if (node.withheld.has(id)) return free;
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
