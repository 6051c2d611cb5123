import type { JobId } from "../../../base/ids.ts";
import type { Demand } from "../model/job.ts";
import type { Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import { isSuitable, judge, nodeObstacle, type Room, roomOn, type Share } from "./filter.ts";
import type { Shortage, Withheld } from "./reason.ts";
import { capacityIn, roomBesideClaims, sumWithheld, withheldOn } from "./withheld.ts";

/** A job that does not fit. */
export interface Blocked {
  readonly jobId: JobId;
  readonly demand: Demand;
  /** The smallest that one node can take. */
  readonly share: Share;
}

/** What there is, and how much of it is free, on the nodes that could take a part of the job, now or when others have left. */
export function shortageOf(state: State, { jobId, demand, share }: Blocked): Shortage {
  const withheld: Withheld[] = [];
  const sum = { gpusFree: 0, gpusSuitable: 0, capacity: 0 };
  for (const node of usableNodes(state, demand, share)) {
    const whole = roomWhenEmpty(node, demand);
    sum.gpusFree += roomOn(node, demand).gpus;
    sum.gpusSuitable += whole.gpus;
    sum.capacity += capacityIn(whole, demand, share);
    withheld.push(withheldOn(node, demand, jobId));
  }
  return { ...sum, withheld: sumWithheld(withheld) };
}

/** Whether nodes have room for all of the job now, be it kept for others or not. */
export function hasRoom(state: State, { demand, share }: Blocked): boolean {
  let capacity = 0;
  for (const node of usableNodes(state, demand, share)) capacity += capacityIn(roomOn(node, demand), demand, share);
  return capacity >= Math.max(demand.gpus, 1);
}

/** For whom room is kept without which the job would fit; empty when it would not fit either way. */
export function claimsInTheWay(state: State, { demand, share }: Blocked): readonly JobId[] {
  if (state.claims.size === 0) return [];
  const holders = new Set<JobId>();
  let capacity = 0;
  for (const node of usableNodes(state, demand, share)) {
    const unclaimed = capacityIn(roomBesideClaims(node, demand), demand, share);
    capacity += unclaimed;
    if (unclaimed === capacityIn(roomOn(node, demand), demand, share)) continue;
    for (const id of node.claims.keys()) holders.add(id);
  }
  return capacity >= Math.max(demand.gpus, 1) ? [...holders] : [];
}

/** The nodes that take work and are large enough. */
function usableNodes(state: State, demand: Demand, share: Share): readonly Node[] {
  return state.cluster.nodes.filter((node) => {
    return !nodeObstacle(node, demand) && judge(node, demand, share).answer !== "never";
  });
}

function roomWhenEmpty({ record }: Node, demand: Demand): Room {
  const { devices, cpuCores, memoryMb } = record.inventory;
  let gpus = 0;
  if (demand.gpus > 0) for (const device of devices) if (isSuitable(device, demand)) gpus += 1;
  return { gpus, cpuCores, memoryMb };
}
