import type { JobId } from "../../../../base/ids.ts";
import { type Demand, WHOLE_DEVICE } from "../../model/job.ts";
import { type Device, freeHost, type Node } from "../../model/node.ts";
import type { State } from "../../model/state.ts";
import { isSuitable, nodeObstacle, shareOf } from "../filter.ts";
import type { Reservation, ReservedShare } from "../memory.ts";
import type { Offer } from "../place.ts";
import { expectedEnd } from "../timeline.ts";
import { leavesUntil } from "./victim.ts";

/** Who wants room, from now until when, and what of the room is not to be had. */
export interface Quest {
  readonly demand: Demand;
  readonly at: number;
  readonly until: number;
  /** Of jobs that come before it: in a pass, those who come after it have none yet. */
  readonly reservations: readonly Reservation[];
}

/** A node that the job could use, if others left it. */
export interface Site {
  readonly node: Node;
  /** Now, and each time at which room is kept from for a job that comes before: the job must fit at all of them. */
  readonly moments: readonly [Moment, ...Moment[]];
}

/** What is free at one time, counting all that leaves of itself until then, less what is kept for others. */
interface Moment {
  readonly cpuCores: number;
  readonly memoryMb: number;
  /** GPUs of those that fit that are kept for others. */
  readonly gpusKept: number;
  readonly slots: readonly Slot[];
  /** What each job that stays until then holds of the host. */
  readonly stays: ReadonlyMap<JobId, { readonly cpuCores: number; readonly memoryMb: number }>;
}

/** A device that suits the job. */
interface Slot {
  readonly device: Device;
  /** Thousandths that are free. */
  readonly milli: number;
  /** Who holds the rest, of those that do not leave of themselves. */
  readonly holders: readonly { readonly jobId: JobId; readonly milli: number }[];
}

/** The node as the job would find it; undefined when it cannot use it whoever leaves. */
export function siteOf(state: State, node: Node, quest: Quest): Site | undefined {
  if (nodeObstacle(node, quest.demand)) return undefined;
  const kept = quest.reservations.flatMap(({ at, until, shares }) =>
    shares.filter((share) => share.node === node.record.name).map((share) => ({ at, until, share })),
  );
  const momentAt = (when: number) => {
    const shares = kept.filter(({ at, until }) => at <= when && until > when).map(({ share }) => share);
    return momentOf(state, node, quest, when, shares);
  };
  const later = kept.filter(({ at }) => at > quest.at && at < quest.until);
  return { node, moments: [momentAt(quest.at), ...later.map(({ at }) => momentAt(at))] };
}

function momentOf(state: State, node: Node, quest: Quest, when: number, kept: readonly ReservedShare[]): Moment {
  const leaves = new Set<JobId>();
  const stays = new Map<JobId, { readonly cpuCores: number; readonly memoryMb: number }>();
  let { cpuCores, memoryMb } = freeHost(node);
  for (const [id, allocation] of node.jobs) {
    const job = state.job(id);
    if (leavesUntil(job) > quest.at || (when > quest.at && expectedEnd(job, quest.at) <= when)) {
      leaves.add(id);
      cpuCores += allocation.cpuCores;
      memoryMb += allocation.memoryMb;
    } else stays.set(id, allocation);
  }
  let gpusKept = 0;
  for (const share of kept) {
    gpusKept += share.gpus;
    cpuCores -= share.cpuCores;
    memoryMb -= share.memoryMb;
  }
  return { cpuCores, memoryMb, gpusKept, slots: slotsOf(node, quest.demand, leaves), stays };
}

function slotsOf(node: Node, demand: Demand, leaves: ReadonlySet<JobId>): readonly Slot[] {
  if (demand.gpus === 0) return [];
  const slots: Slot[] = [];
  for (const [index, device] of node.record.inventory.devices.entries()) {
    if (node.withheld.has(device.id) || !isSuitable(device, demand)) continue;
    let milli = node.room[index] ?? 0;
    const holders = node.held.get(device.id) ?? [];
    for (const holder of holders) if (leaves.has(holder.jobId)) milli += holder.milli;
    slots.push({ device, milli, holders: holders.filter(({ jobId }) => !leaves.has(jobId)) });
  }
  return slots;
}

/**
 * How many of the job's GPUs the site can take, each with its part of cores and memory, once these jobs are gone; for a job
 * without GPUs 1 if it fits, else 0.
 */
export function capacityOf(site: Site, demand: Demand, gone: ReadonlySet<JobId>): number {
  let capacity = Math.max(demand.gpus, 1);
  for (const moment of site.moments) {
    capacity = Math.min(capacity, capacityAt(moment, demand, gone));
    if (capacity === 0) return 0;
  }
  return capacity;
}

function capacityAt(moment: Moment, demand: Demand, gone: ReadonlySet<JobId>): number {
  let { cpuCores, memoryMb } = moment;
  for (const [id, held] of moment.stays) {
    if (!gone.has(id)) continue;
    cpuCores += held.cpuCores;
    memoryMb += held.memoryMb;
  }
  if (demand.gpus === 0) return cpuCores >= demand.cpuCores && memoryMb >= demand.memoryMb ? 1 : 0;
  let fitting = -moment.gpusKept;
  for (const slot of moment.slots) if (leftOf(slot, gone) >= demand.milli) fitting += 1;
  let gpus = Math.max(0, Math.min(fitting, demand.gpus));
  for (; gpus > 0; gpus -= 1) {
    const share = shareOf(demand, gpus);
    if (share.cpuCores <= cpuCores && share.memoryMb <= memoryMb) break;
  }
  return gpus;
}

function leftOf({ milli, holders }: Slot, gone: ReadonlySet<JobId>): number {
  let left = milli;
  for (const holder of holders) if (gone.has(holder.jobId)) left += holder.milli;
  return left;
}

/** The devices that the job could be given once these jobs are gone. */
export function offerOf({ node, moments }: Site, demand: Demand, gone: ReadonlySet<JobId>): Offer {
  const left = new Map(moments[0].slots.map((slot) => [slot.device, leftOf(slot, gone)]));
  const free = [...left].filter(([, milli]) => milli >= demand.milli).map(([device]) => device);
  return { node, free, left: (device) => Math.min(WHOLE_DEVICE, left.get(device) ?? 0) };
}

/** Whether cores and memory are enough for all that the site's devices could take even if nobody leaves. */
export function isBoundByDevices(site: Site, demand: Demand): boolean {
  if (demand.gpus === 0) return false;
  return site.moments.every(({ cpuCores, memoryMb, slots }) => {
    const share = shareOf(demand, Math.min(slots.length, demand.gpus));
    return share.cpuCores <= cpuCores && share.memoryMb <= memoryMb;
  });
}
