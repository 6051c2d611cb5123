import type { Demand } from "../model/job.ts";
import type { Device, Node } from "../model/node.ts";
import { gpuCapacity, judge, nodeObstacle, type Room, roomOn, type Share, shareOf } from "./filter.ts";
import { betterFit, byName, type Candidate } from "./score.ts";

/** One rank's place. */
export interface Place {
  readonly node: Node;
  readonly devices: readonly Device[];
  readonly share: Share;
}

/** Where the job would run now, ranks in order; undefined when it does not fit. All or nothing. */
export function findPlaces(nodes: readonly Node[], demand: Demand): readonly Place[] | undefined {
  if (demand.gpusPerNode !== undefined) return spread(nodes, demand, demand.gpusPerNode);
  const single = onOneNode(nodes, demand, demand.gpus);
  if (single) return [single];
  return demand.gang ? packed(nodes, demand) : undefined;
}

function onOneNode(nodes: readonly Node[], demand: Demand, gpus: number): Place | undefined {
  const share = shareOf(demand, gpus);
  let best: Candidate | undefined;
  for (const node of nodes) {
    if (judge(node, demand, share).answer !== "fits") continue;
    const candidate = { node, room: roomOn(node, demand) };
    if (!best || betterFit(candidate, best, share) < 0) best = candidate;
  }
  return best && take(best.node, best.room, share);
}

/** A gang with exactly so many GPUs on each node: the best-fitting nodes. */
function spread(nodes: readonly Node[], demand: Demand, gpusPerNode: number): readonly Place[] | undefined {
  const share = shareOf(demand, gpusPerNode);
  const candidates: Candidate[] = [];
  for (const node of nodes) {
    if (judge(node, demand, share).answer === "fits") candidates.push({ node, room: roomOn(node, demand) });
  }
  const count = demand.gpus / gpusPerNode;
  if (candidates.length < count) return undefined;
  candidates.sort((a, b) => betterFit(a, b, share));
  return inRankOrder(candidates.slice(0, count).map(({ node, room }) => take(node, room, share)));
}

/**
 * A gang on as few nodes as possible: the roomiest nodes first, and for what then remains the node that it fits best.
 * Taking the largest capacities first is optimal in the number of nodes, because any node may give any part.
 */
function packed(nodes: readonly Node[], demand: Demand): readonly Place[] | undefined {
  const candidates: (Candidate & { capacity: number })[] = [];
  for (const node of nodes) {
    if (nodeObstacle(node, demand)) continue;
    const room = roomOn(node, demand);
    const capacity = gpuCapacity(room, demand);
    if (capacity > 0) candidates.push({ node, room, capacity });
  }
  candidates.sort((a, b) => b.capacity - a.capacity || byName(a.node, b.node));
  const places: Place[] = [];
  let missing = demand.gpus;
  for (const [index, candidate] of candidates.entries()) {
    if (candidate.capacity < missing) {
      places.push(take(candidate.node, candidate.room, shareOf(demand, candidate.capacity)));
      missing -= candidate.capacity;
      continue;
    }
    const share = shareOf(demand, missing);
    const enough = candidates.slice(index).filter(({ capacity }) => capacity >= missing);
    const last = enough.reduce((best, other) => (betterFit(other, best, share) < 0 ? other : best));
    return inRankOrder([...places, take(last.node, last.room, share)]);
  }
  return undefined;
}

/** The node's smallest sufficient devices, in the driver's order among equals. */
function take(node: Node, room: Room, share: Share): Place {
  const devices = [...room.devices].sort((a, b) => a.memoryMb - b.memoryMb || a.index - b.index).slice(0, share.gpus);
  return { node, devices, share };
}

function inRankOrder(places: readonly Place[]): readonly Place[] {
  return [...places].sort((a, b) => byName(a.node, b.node));
}
