import type { Kind } from "../model/kind.ts";
import type { Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import { gpuCapacity, judge, nodeObstacle, roomOn, type Share, shareOf } from "./filter.ts";
import { NodeRanking } from "./node-ranking.ts";
import { BEST_FIT_SCALE, bestFitCost } from "./score/best-fit.ts";
import { fragmentationGrowth } from "./score/fragmentation.ts";
import { opensAt } from "./timeline.ts";

/** Beyond so many kinds of job the one asked for longest ago is forgotten: each costs some bytes for every node. */
const MAX_RANKINGS = 512;
/** Fragmentation in hundredths of a thousandth of a GPU; the offset keeps it positive. */
const FRAGMENTATION_STEPS = 10;
const FRAGMENTATION_OFFSET = 200_000;

/** The nodes that can take one rank of such a job now, the best first. */
export function placementRanking(state: State, kind: Kind): NodeRanking {
  return recall(state.scheduling.rankings, kind.shape, () => {
    const { demand } = kind;
    if (demand.gang && demand.gpusPerNode === undefined) return capacityRanking(state, kind);
    const share = shareOf(demand, demand.gpusPerNode ?? demand.gpus);
    return new NodeRanking(state.cluster, (node) => placementCost(state, node, kind, share));
  });
}

/** What it costs to take the share from the node, by the policy's own measure; infinity where it does not fit. */
export function placementCost(state: State, node: Node, kind: Kind, share: Share): number {
  const { demand } = kind;
  if (judge(node, demand, share).answer !== "fits") return Number.POSITIVE_INFINITY;
  const { placement } = state.settings.policy;
  if (placement === "first-fit") return 0;
  const tight = bestFitCost(node, demand, share);
  if (placement === "best-fit") return tight;
  const growth = fragmentationGrowth(node, kind, share, state.scheduling.mix);
  return (Math.round(growth * FRAGMENTATION_STEPS) + FRAGMENTATION_OFFSET) * BEST_FIT_SCALE + tight;
}

/** The nodes that can take any of a gang's GPUs now, those that take most first. */
function capacityRanking(state: State, { demand }: Kind): NodeRanking {
  return new NodeRanking(state.cluster, (node) => {
    if (nodeObstacle(node, demand)) return Number.POSITIVE_INFINITY;
    const capacity = gpuCapacity(roomOn(node, demand), demand);
    return capacity === 0 ? Number.POSITIVE_INFINITY : -capacity;
  });
}

/**
 * The nodes in the order in which they will have room for one rank of such a job; only running work is looked at.
 * A node with a job that has outrun its plan is looked at anew whenever another time is expected for it.
 */
export function openingRanking(state: State, kind: Kind, share: Share): NodeRanking {
  const { scheduling } = state;
  return recall(scheduling.openings, kind.shape, () => {
    return new NodeRanking(state.cluster, (node) => opensAt(state, node, kind.demand, share, scheduling.now));
  });
}

/** The ranking of this key, made if there is none; of too many, the one that was asked for longest ago is forgotten. */
export function recall(rankings: Map<string, NodeRanking>, key: string, make: () => NodeRanking): NodeRanking {
  const ranking = rankings.get(key) ?? make();
  rankings.delete(key);
  rankings.set(key, ranking);
  for (const oldest of rankings.keys()) {
    if (rankings.size <= MAX_RANKINGS) break;
    rankings.delete(oldest);
  }
  return ranking;
}
