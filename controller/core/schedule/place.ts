import type { JobId } from "../../../base/ids.ts";
import { type Demand, WHOLE_DEVICE } from "../model/job.ts";
import type { Kind } from "../model/kind.ts";
import type { Device, Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import { fittingDevices, gpuCapacity, roomOn, type Share, shareOf } from "./filter.ts";
import { placementRanking, wholeRanking } from "./ranking.ts";
import { canStay, hasKept } from "./timeline.ts";
import type { Candidate } from "./candidate.ts";
import { fewestSwitches } from "./topology.ts";

/** One rank's place. */
export interface Place {
  readonly node: Node;
  readonly devices: readonly Device[];
  readonly share: Share;
}

/** Who asks for a place, and for how long. */
export interface Placing {
  readonly kind: Kind;
  readonly at: number;
  readonly until: number;
  /** Whose own reservation does not stand in its way; undefined for one that is only thought of. */
  readonly jobId: JobId | undefined;
  /** Set when there was room that is kept for others. */
  wasKept: boolean;
}

/**
 * Where the job would run now, ranks in order, without touching what is kept for others; undefined when it does not fit.
 * All or nothing: one node if it may be one, else as few nodes as possible, and of those as few switches as possible.
 */
export function findPlaces(state: State, placing: Placing): readonly Place[] | undefined {
  const { demand } = placing.kind;
  if (demand.gpusPerNode !== undefined) return spread(state, placing, demand.gpusPerNode);
  if (demand.gang) return packed(state, placing);
  const share = shareOf(demand, demand.gpus);
  const node = placementRanking(state, placing.kind).find((other) => mayStay(state, other, share, placing));
  return node && [take(node, demand, share)];
}

/** A gang with exactly so many GPUs on each node: the best nodes, close together. */
function spread(state: State, placing: Placing, gpusPerNode: number): readonly Place[] | undefined {
  const { demand } = placing.kind;
  const share = shareOf(demand, gpusPerNode);
  const count = demand.gpus / gpusPerNode;
  const ranking = placementRanking(state, placing.kind);
  if (ranking.size < count) return undefined;
  const candidates: Candidate[] = [];
  for (const node of ranking.ascending()) {
    if (mayStay(state, node, share, placing)) candidates.push({ node, gpus: gpusPerNode, cost: candidates.length });
  }
  return placeAll(demand, fewestSwitches(state, candidates, demand.gpus, count));
}

/**
 * A gang on as few nodes as possible. Taking the largest capacities first is optimal in the number of nodes, because any
 * node may give any part; what then remains goes to the node that it fits best.
 */
function packed(state: State, placing: Placing): readonly Place[] | undefined {
  const { demand } = placing.kind;
  const candidates: Candidate[] = [];
  let total = 0;
  const whole = wholeRanking(state, placing.kind);
  for (const node of placementRanking(state, placing.kind).ascending()) {
    const gpus = capacityOf(state, node, placing);
    if (gpus === 0) continue;
    const cost = gpus === demand.gpus ? whole.costOf(node) : Number.POSITIVE_INFINITY;
    candidates.push({ node, gpus, cost });
    total += gpus;
  }
  if (total < demand.gpus) return undefined;
  return placeAll(demand, chooseNodes(state, demand, candidates));
}

/** Of the nodes that could take a gang's GPUs as few as possible, and of those that are as few the closest together. */
export function chooseNodes(state: State, demand: Demand, candidates: readonly Candidate[]) {
  let [nodes, sum] = [0, 0];
  for (const { gpus } of candidates.toSorted((a, b) => b.gpus - a.gpus)) {
    nodes += 1;
    sum += gpus;
    if (sum >= demand.gpus) break;
  }
  return fewestSwitches(state, candidates, demand.gpus, nodes);
}

function placeAll(demand: Demand, chosen: readonly Candidate[] | undefined): readonly Place[] | undefined {
  return chosen && divide(demand, chosen).map(({ node, share }) => take(node, demand, share));
}

/** How many of the gang's GPUs each of its nodes takes, in order: as many as it can. */
export function divide(
  demand: Demand,
  chosen: readonly Pick<Candidate, "node" | "gpus">[],
): { readonly node: Node; readonly share: Share }[] {
  let missing = demand.gpus;
  return chosen.map(({ node, gpus }) => {
    const own = Math.min(gpus, missing);
    missing -= own;
    return { node, share: shareOf(demand, own) };
  });
}

/** How many of a gang's GPUs the node can take. */
export function capacityOf(state: State, node: Node, placing: Placing): number {
  const { demand } = placing.kind;
  let gpus = gpuCapacity(roomOn(node, demand), demand);
  while (gpus > 0 && !mayStay(state, node, shareOf(demand, gpus), placing)) gpus -= 1;
  return gpus;
}

/** Whether a share that fits now keeps clear of what is kept for others. */
export function mayStay(state: State, node: Node, share: Share, placing: Placing): boolean {
  if (!hasKept(state, node)) return true;
  const { at, until, jobId, kind } = placing;
  if (canStay(state, node, { demand: kind.demand, share, from: at, until, jobId }, at)) return true;
  placing.wasKept = true;
  return false;
}

/**
 * The node's devices for a share: cool ones, of one NVLink island if one has enough (the smallest that does), the smallest
 * memory that suffices, then in the driver's order. A share of a device goes to the fullest one that has it.
 */
export function take(node: Node, demand: Demand, share: Share): Place {
  const { devices } = node.record.inventory;
  const left = (device: Device) => node.room[devices.indexOf(device)] ?? 0;
  return takeOf({ node, free: fittingDevices(node, demand), left }, demand, share);
}

/** What a node could give: its devices that fit, and how many thousandths of each are left. */
export interface Offer {
  readonly node: Node;
  readonly free: readonly Device[];
  readonly left: (device: Device) => number;
}

/** As {@link take}, of what is offered. */
export function takeOf({ node, free, left }: Offer, demand: Demand, share: Share): Place {
  const isBefore =
    demand.milli < WHOLE_DEVICE ? fullestFirst(left) : islandFirst(node, smallestIsland(free, share.gpus));
  return { node, devices: firstOf(free, share.gpus, isBefore), share };
}

type DeviceOrder = (a: Device, b: Device) => number;

function fullestFirst(left: Offer["left"]): DeviceOrder {
  return (a, b) => left(a) - left(b) || a.memoryMb - b.memoryMb || a.index - b.index;
}

function islandFirst({ hot }: Node, island: number | undefined): DeviceOrder {
  return (a, b) =>
    Number(hot.has(a.id)) - Number(hot.has(b.id)) ||
    Number(a.island !== island) - Number(b.island !== island) ||
    a.memoryMb - b.memoryMb ||
    (a.numaNode ?? 0) - (b.numaNode ?? 0) ||
    a.index - b.index;
}

/** So many devices, the first in the order; most jobs want one, for which nothing needs to be sorted. */
function firstOf(free: readonly Device[], count: number, order: DeviceOrder): readonly Device[] {
  const [head] = free;
  if (count !== 1 || !head) return free.toSorted(order).slice(0, count);
  return [free.reduce((first, device) => (order(device, first) < 0 ? device : first), head)];
}

/** Of the islands that have as many free devices the one with the fewest; undefined where none has. */
function smallestIsland(free: readonly Device[], gpus: number): number | undefined {
  if (free.every(({ island }) => island === undefined)) return undefined;
  const islands = new Map<number, number>();
  for (const { island } of free) if (island !== undefined) islands.set(island, (islands.get(island) ?? 0) + 1);
  const enough = [...islands].filter(([, size]) => size >= gpus).sort((a, b) => a[1] - b[1] || a[0] - b[0]);
  return enough[0]?.[0];
}

/** What the job would hold at these places: GPU memory as asked, else all of the devices'. */
export function holding(places: readonly Place[], demand: Demand) {
  const total = { gpuMilli: 0, gpuMemoryMb: 0, cpuCores: 0, memoryMb: 0 };
  for (const { devices, share } of places) {
    total.gpuMilli += devices.length * demand.milli;
    total.gpuMemoryMb += gpuMemoryOf(devices, demand);
    total.cpuCores += share.cpuCores;
    total.memoryMb += share.memoryMb;
  }
  return total;
}

/** What counts against the tenant's GPU memory for these devices: as asked, else all of theirs, in megabytes. */
export function gpuMemoryOf(devices: Place["devices"], demand: Demand): number {
  const share = demand.milli / WHOLE_DEVICE;
  return devices.reduce((sum, { memoryMb }) => sum + (demand.gpuMemoryMb || Math.ceil(memoryMb * share)), 0);
}
