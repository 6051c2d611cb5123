import type { State } from "../model/state.ts";
import { type Candidate, capacity, type Group, isEnough, type Want } from "./candidate.ts";
import { fewerGroups, fewestGroups } from "./fewest-groups.ts";

/** The labels that tell where in the network a node is, from far to near. */
const LEVELS = ["block", "rack"] as const;
type Level = (typeof LEVELS)[number];

/**
 * Of the candidates so many nodes that together take the gang, under as few switches as possible: one rack if one can, else
 * as few blocks as possible, and of those as few racks. In the order of the topology, so that neighbouring ranks are
 * neighbours.
 *
 * Only racks are looked for: which of their nodes are taken follows, since the largest are the fewest wherever any node may
 * give any part.
 *
 * @returns undefined when the candidates are not enough
 */
export function fewestSwitches(
  state: State,
  candidates: readonly Candidate[],
  gpus: number,
  nodes: number,
): readonly Candidate[] | undefined {
  const want = { gpus, nodes };
  if (!isEnough(candidates, want)) return undefined;
  const racks = racksOf(candidates);
  return inOrder(state, choose(tightest(racks, want) ?? fewestRacks(candidates, want), want));
}

/** The smallest of the racks that suffice alone: what is left over in it is of the least use to others. */
function tightest(racks: readonly Group[], want: Want): Group | undefined {
  const isUnknown = ([candidate]: Group) => Number(candidate && labelOf(candidate, "rack") === undefined);
  return racks
    .filter((rack) => isEnough(rack, want))
    .sort((a, b) => isUnknown(a) - isUnknown(b) || capacity(a) - capacity(b))[0];
}

/** All candidates of as few blocks as suffice, and of those of as few racks. */
function fewestRacks(candidates: readonly Candidate[], want: Want): readonly Candidate[] {
  const blocks = groupsBy("block", candidates);
  const fewest = fewestGroups(blocks, want) ?? blocks;
  const racks = fewestGroups(racksOf(fewest.flat()), want) ?? [];
  // Other blocks, as few, may have fewer racks that suffice.
  const most = { clusters: fewest.length, groups: racks.length - 1 };
  return (fewerGroups(blocks.map(racksOf), want, most) ?? racks).flat();
}

/**
 * So many nodes, one after the other: of those given first, the ones that take most; the last one is the smallest and
 * cheapest that takes what is missing.
 */
function choose(candidates: readonly Candidate[], { gpus, nodes }: Want): readonly Candidate[] | undefined {
  const rest = new Set(candidates);
  const chosen: Candidate[] = [];
  for (let missing = gpus; chosen.length < nodes && missing > 0; ) {
    const best = nextOf(rest, missing, nodes - chosen.length);
    if (!best) return undefined;
    rest.delete(best);
    chosen.push(best);
    missing -= best.gpus;
    if (missing <= 0) return chosen;
  }
  return undefined;
}

function nextOf(rest: ReadonlySet<Candidate>, missing: number, left: number): Candidate | undefined {
  let best: Candidate | undefined;
  for (const candidate of rest) {
    if (left === 1 && candidate.gpus < missing) continue;
    if (!best || isBetter(candidate, best, missing)) best = candidate;
  }
  return best;
}

function isBetter(a: Candidate, b: Candidate, missing: number): boolean {
  const [x, y] = [Math.min(a.gpus, missing), Math.min(b.gpus, missing)];
  if (x !== y) return x > y;
  if (x === missing && a.gpus !== b.gpus) return a.gpus < b.gpus;
  return a.cost < b.cost;
}

/** By block and rack: racks of two blocks may have the same name. */
function racksOf(candidates: readonly Candidate[]): readonly Group[] {
  return groupsBy("block", candidates).flatMap((block) => groupsBy("rack", block));
}

/** Those without the label are taken as if they were together: where they are is not known. */
function groupsBy(level: Level, candidates: readonly Candidate[]): readonly Group[] {
  return [...Map.groupBy(candidates, (candidate) => labelOf(candidate, level)).values()];
}

function labelOf({ node }: Candidate, level: Level): string | undefined {
  return node.record.inventory.labels[level];
}

function inOrder(state: State, chosen: readonly Candidate[] | undefined): readonly Candidate[] | undefined {
  const { ranks } = state.cluster;
  return chosen?.toSorted((a, b) => {
    for (const level of LEVELS) {
      const [x, y] = [labelOf(a, level) ?? "", labelOf(b, level) ?? ""];
      if (x !== y) return x < y ? -1 : 1;
    }
    return (ranks[a.node.ordinal] ?? 0) - (ranks[b.node.ordinal] ?? 0);
  });
}
