import type { Demand } from "../model/job.ts";
import { type Kind, keptTo } from "../model/kind.ts";
import type { Device, Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import { fittingDevices, isSuitable, type Share, shareOf } from "./filter.ts";
import { capacityOf, findPlaces, gpuMemoryOf, holding, mayStay, type Place, type Placing } from "./place.ts";
import { placementRanking } from "./ranking.ts";
import type { Verdict } from "./reason.ts";
import type { Blocked } from "./shortage.ts";
import { fewestSwitches } from "./topology.ts";

/**
 * As {@link findPlaces}, on devices that together have no more memory than the job's tenant may hold, if there are such places;
 * else on those that have the least. A job that asks for a size of memory holds just that, wherever it is.
 *
 * @param mostMb undefined where nothing limits it
 */
export function findPlacesWithin(
  state: State,
  placing: Placing,
  mostMb: number | undefined,
): readonly Place[] | undefined {
  const { kind } = placing;
  const places = findPlaces(state, placing);
  if (!places || mostMb === undefined || kind.demand.gpuMemoryMb > 0) return places;
  if (holding(places, kind.demand).gpuMemoryMb <= mostMb) return places;
  return findPlaces(state, { ...placing, kind: keptTo(kind, mostMb) }) ?? leanest(state, placing) ?? places;
}

/** The places that hold the least memory of GPUs, whatever else speaks against them. */
function leanest(state: State, placing: Placing): readonly Place[] | undefined {
  const { demand } = placing.kind;
  const shares = demand.gang ? leanestParts(state, placing) : leanestNode(state, placing);
  return shares?.map(({ node, gpus }) => takeLeanest(node, demand, shareOf(demand, gpus)));
}

interface Part {
  readonly node: Node;
  readonly gpus: number;
}

function leanestNode(state: State, placing: Placing): readonly Part[] | undefined {
  const { demand } = placing.kind;
  const [best] = nodesFor(state, placing, demand.gpus).sort((a, b) => a.memoryMb - b.memoryMb);
  return best && [best];
}

function leanestParts(state: State, placing: Placing): readonly Part[] | undefined {
  const { demand } = placing.kind;
  const { gpus, gpusPerNode } = demand;
  const parts = gpusPerNode === undefined ? leanestSplit(state, placing) : evenly(state, placing, gpusPerNode);
  const candidates = parts.map((part) => ({ ...part, cost: 0 }));
  return fewestSwitches(state, candidates, gpus, candidates.length);
}

function evenly(state: State, placing: Placing, gpusPerNode: number): readonly Part[] {
  const nodes = nodesFor(state, placing, gpusPerNode).sort((a, b) => a.memoryMb - b.memoryMb);
  return nodes.slice(0, placing.kind.demand.gpus / gpusPerNode);
}

/** The nodes that can take so many GPUs, and what memory the smallest of those have. */
function nodesFor(state: State, placing: Placing, gpus: number): (Part & { readonly memoryMb: number })[] {
  const { demand } = placing.kind;
  const share = shareOf(demand, gpus);
  const nodes = [...placementRanking(state, placing.kind).ascending()].filter((node) => {
    return mayStay(state, node, share, placing);
  });
  return nodes.map((node) => ({ node, gpus, memoryMb: gpuMemoryOf(smallest(node, demand, gpus), demand) }));
}

/** Any split: the smallest devices of all, as many of each node as it can take. What the next device of a node adds only grows. */
function leanestSplit(state: State, placing: Placing): readonly Part[] {
  const { demand } = placing.kind;
  const devices = [...placementRanking(state, placing.kind).ascending()].flatMap((node) => {
    const most = capacityOf(state, node, placing);
    return smallest(node, demand, most).map(({ memoryMb }) => ({ node, memoryMb, most }));
  });
  devices.sort((a, b) => a.memoryMb - b.memoryMb || b.most - a.most);
  const chosen = Map.groupBy(devices.slice(0, demand.gpus), ({ node }) => node);
  return Array.from(chosen, ([node, own]) => ({ node, gpus: own.length }));
}

function takeLeanest(node: Node, demand: Demand, share: Share): Place {
  return { node, devices: smallest(node, demand, share.gpus), share };
}

/** So many of the node's devices that fit, the smallest memory first. */
function smallest(node: Node, demand: Demand, gpus: number): readonly Device[] {
  return smallestOf(fittingDevices(node, demand), gpus);
}

function smallestOf(devices: readonly Device[], gpus: number): readonly Device[] {
  return devices.toSorted((a, b) => a.memoryMb - b.memoryMb || a.index - b.index).slice(0, gpus);
}

/** What the tenant may hold of GPU memory in all, and besides what it holds; undefined where that is not limited. */
export interface MemoryQuota {
  readonly limitMb: number | undefined;
  readonly leftMb: number | undefined;
}

/** The node's verdict with the tenant's quota: it may have no GPUs that are small enough for that, now or ever. */
export function verdictWithin(verdict: Verdict, node: Node, { demand, share }: Blocked, quota: MemoryQuota): Verdict {
  const { limitMb, leftMb } = quota;
  if (limitMb === undefined || leftMb === undefined || verdict.answer === "never") return verdict;
  const least = (devices: readonly Device[]) => gpuMemoryOf(smallestOf(devices, share.gpus), demand);
  const suitable = node.record.inventory.devices.filter((device) => isSuitable(device, demand));
  const wantsMb = least(suitable);
  if (wantsMb > limitMb) return { answer: "never", reason: { kind: "gpu-memory-quota", leftMb: limitMb, wantsMb } };
  const freeMb = verdict.answer === "fits" ? least(fittingDevices(node, demand)) : 0;
  if (freeMb <= leftMb) return verdict;
  return { answer: "not-now", reason: { kind: "gpu-memory-quota", leftMb, wantsMb: freeMb } };
}

/** The kind as far as its tenant's quota of GPU memory lets it be anywhere: {@link keptTo} it, unless it says its size itself. */
export function keptToQuota(kind: Kind, mostMb: number | undefined): Kind {
  return mostMb === undefined || kind.demand.gpuMemoryMb > 0 || kind.demand.gpus === 0 ? kind : keptTo(kind, mostMb);
}
