import type { Kind } from "../model/kind.ts";
import type { Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import { gpuCapacity, judge, nodeObstacle, roomOn, type Share, shareOf } from "./filter.ts";
import { GangOutlook } from "./gang-outlook.ts";
import { NodeRanking } from "./node-ranking.ts";
import { BEST_FIT_SCALE, bestFitCost } from "./score/best-fit.ts";
import { Fragmentation } from "./score/fragmentation.ts";
import { shareCosts } from "./shared-cost.ts";
import { capacitiesOf, opensAt } from "./timeline.ts";

/** Fragmentation in hundredths of a thousandth of a GPU; the offset keeps it positive. */
const FRAGMENTATION_STEPS = 10;
const FRAGMENTATION_OFFSET = 200_000;

/** The nodes that can take one rank of such a job now, the best first. */
export function placementRanking(state: State, kind: Kind): NodeRanking {
  return state.scheduling.rankings.recall(kind.shape, () => {
    const { demand } = kind;
    if (demand.gang && demand.gpusPerNode === undefined) return capacityRanking(state, kind);
    return costRanking(state, kind, shareOf(demand, demand.gpusPerNode ?? demand.gpus));
  });
}

/** The nodes that can take all of a gang now, the best first. */
export function wholeRanking(state: State, kind: Kind): NodeRanking {
  return state.scheduling.rankings.recall(`${kind.shape} whole`, () => {
    return costRanking(state, kind, shareOf(kind.demand, kind.demand.gpus));
  });
}

function costRanking(state: State, kind: Kind, share: Share): NodeRanking {
  const costOf = shareCosts(state, kind, share, (node) => placementCost(state, node, kind, share));
  return new NodeRanking(state.cluster, costOf);
}

/** What it costs to take the share from the node, by the policy's own measure; infinity where it does not fit. */
function placementCost(state: State, node: Node, kind: Kind, share: Share): number {
  const { demand } = kind;
  if (judge(node, demand, share).answer !== "fits") return Number.POSITIVE_INFINITY;
  const { placement } = state.settings.policy;
  if (placement === "first-fit") return 0;
  const tight = bestFitCost(node, demand, share);
  if (placement === "best-fit") return tight;
  const growth = fragmentationOf(state).growth(node, demand, share);
  return (Math.round(growth * FRAGMENTATION_STEPS) + FRAGMENTATION_OFFSET) * BEST_FIT_SCALE + tight;
}

/** With the mix that was in use when it was last asked for. */
const fragmentations = new WeakMap<State, Fragmentation>();

/** What the mix of demands that is in use makes of nodes. */
function fragmentationOf(state: State): Fragmentation {
  const { drawn } = state.scheduling.mix;
  const known = fragmentations.get(state);
  if (known?.mix === drawn) return known;
  const fragmentation = new Fragmentation(drawn, state.cluster.likenesses);
  fragmentations.set(state, fragmentation);
  return fragmentation;
}

/** The nodes that can take any of a gang's GPUs now, those that take most first. */
function capacityRanking(state: State, { demand }: Kind): NodeRanking {
  return new NodeRanking(state.cluster, (node) => {
    if (nodeObstacle(node, demand)) return Number.POSITIVE_INFINITY;
    const capacity = gpuCapacity(roomOn(node, demand), demand);
    return capacity === 0 ? Number.POSITIVE_INFINITY : -capacity;
  });
}

/** When the nodes will have room for parts of a gang that may use any split. */
export function gangOutlook(state: State, kind: Kind): GangOutlook {
  const { scheduling } = state;
  return scheduling.outlooks.recall(kind.shape, () => {
    return new GangOutlook(state.cluster, (node) => capacitiesOf(state, node, kind.demand, scheduling.now));
  });
}

/**
 * The nodes in the order in which they will have room for one rank of such a job; only running work is looked at.
 * A node with a job that has outrun its plan is looked at anew whenever another time is expected for it.
 */
export function openingRanking(state: State, kind: Kind, share: Share): NodeRanking {
  const { scheduling } = state;
  return scheduling.openings.recall(kind.shape, () => {
    return new NodeRanking(state.cluster, (node) => opensAt(state, node, kind.demand, share, scheduling.now));
  });
}
