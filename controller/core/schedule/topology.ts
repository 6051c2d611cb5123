import type { Node } from "../model/node.ts";
import type { State } from "../model/state.ts";

/** The labels that tell where in the network a node is, from near to far. */
const LEVELS = ["rack", "block"] as const;

/** A node that could take so many of a gang's GPUs. */
export interface Candidate {
  readonly node: Node;
  readonly gpus: number;
  /** Among nodes that take as many the cheapest is taken. */
  readonly cost: number;
}

/**
 * Of the candidates so many nodes that together take the gang, under as few switches as possible: one rack if one can, else
 * one block with as few of its racks as possible, else as few blocks and racks as possible. In the order of the topology, so
 * that neighbouring ranks are neighbours. What cannot take the rest alone is taken largest first, which is optimal for nodes
 * that take as many GPUs each.
 *
 * @returns undefined when the candidates are not enough
 */
export function fewestSwitches(
  state: State,
  candidates: readonly Candidate[],
  gpus: number,
  nodes: number,
): readonly Candidate[] | undefined {
  for (const level of LEVELS) {
    const within = groupsBy(level, candidates)
      .map((group) => ({ group, chosen: choose(group, gpus, nodes) }))
      .filter(({ chosen }) => chosen !== undefined)
      // The tightest: what is left over in it is of the least use to others.
      .sort((a, b) => capacity(a.group) - capacity(b.group));
    const best = within[0];
    if (best) return inOrder(state, level === "rack" ? best.chosen : fewestRacks(best.group, gpus, nodes));
  }
  return inOrder(state, fewestRacks(fewestBlocks(candidates, gpus, nodes) ?? candidates, gpus, nodes));
}

/** All candidates of as few blocks as suffice: the largest, and of those that suffice with them the smallest. */
function fewestBlocks(candidates: readonly Candidate[], gpus: number, nodes: number): readonly Candidate[] | undefined {
  const blocks = groupsBy("block", candidates).sort((a, b) => capacity(a) - capacity(b));
  const taken: Candidate[] = [];
  for (let left = blocks; left.length > 0; left = left.slice(0, -1)) {
    const last = left.find((block) => isEnough([...taken, ...block], gpus, nodes));
    if (last) return [...taken, ...last];
    taken.push(...(left.at(-1) ?? []));
  }
  return undefined;
}

/** So many nodes of as few racks as possible: those of the largest, and of a rack that can take all the rest. */
function fewestRacks(candidates: readonly Candidate[], gpus: number, nodes: number): readonly Candidate[] | undefined {
  const racks = groupsBy("rack", candidates);
  if (racks.length === 0) return choose(candidates, gpus, nodes);
  const placed = new Set(racks.flat());
  // Where the others are is not known: as if they were together.
  racks.push(candidates.filter((candidate) => !placed.has(candidate)));
  const chosen: Candidate[] = [];
  let missing = gpus;
  while (missing > 0) {
    const left = nodes - chosen.length;
    const last = racks
      .map((rack) => ({ rack, part: choose(rack, missing, left) }))
      .filter(({ part }) => part !== undefined)
      .sort((a, b) => capacity(a.rack) - capacity(b.rack))[0];
    const part = last?.part ?? largestPart(racks, missing, left);
    if (!part) return choose(candidates, gpus, nodes);
    chosen.push(...part);
    missing -= capacity(part);
    racks.splice(
      racks.findIndex((rack) => part[0] !== undefined && rack.includes(part[0])),
      1,
    );
  }
  return chosen;
}

/** As much of one rack as leaves enough of the others for what is then missing; of racks that give as much the first. */
function largestPart(
  racks: readonly (readonly Candidate[])[],
  missing: number,
  left: number,
): readonly Candidate[] | undefined {
  const bySize = racks.map((rack) => largestFirst(rack).slice(0, left - 1)).sort((a, b) => capacity(b) - capacity(a));
  for (const rack of bySize) {
    const others = racks.filter((other) => rack[0] === undefined || !other.includes(rack[0])).flat();
    for (let part = rack; part.length > 0; part = part.slice(0, -1)) {
      if (isEnough(others, missing - capacity(part), left - part.length)) return part;
    }
  }
  return undefined;
}

function isEnough(candidates: readonly Candidate[], gpus: number, nodes: number): boolean {
  return capacity(largestFirst(candidates).slice(0, nodes)) >= gpus;
}

function largestFirst(candidates: readonly Candidate[]): readonly Candidate[] {
  return candidates.toSorted((a, b) => b.gpus - a.gpus || compareCosts(a, b));
}

/**
 * So many nodes, one after the other: of those given first, the ones that take most; the last one is the smallest and
 * cheapest that takes what is missing.
 */
function choose(candidates: readonly Candidate[], gpus: number, nodes: number): readonly Candidate[] | undefined {
  const largest = Math.max(0, ...candidates.map((candidate) => candidate.gpus));
  if (largest * nodes < gpus || capacity(candidates) < gpus) return undefined;
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

function groupsBy(label: string, candidates: readonly Candidate[]): Candidate[][] {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const name = candidate.node.record.inventory.labels[label];
    if (name === undefined) continue;
    const group = groups.get(name) ?? [];
    group.push(candidate);
    groups.set(name, group);
  }
  return [...groups.values()];
}

function capacity(candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { gpus }) => sum + gpus, 0);
}

function inOrder(state: State, chosen: readonly Candidate[] | undefined): readonly Candidate[] | undefined {
  const { ranks } = state.cluster;
  const place = ({ node }: Candidate, label: string) => node.record.inventory.labels[label] ?? "";
  return chosen?.toSorted((a, b) => {
    for (const label of [...LEVELS].reverse()) {
      const [x, y] = [place(a, label), place(b, label)];
      if (x !== y) return x < y ? -1 : 1;
    }
    return (ranks[a.node.ordinal] ?? 0) - (ranks[b.node.ordinal] ?? 0);
  });
}

/** Costs may be infinite: their difference is then no number. */
function compareCosts(a: Candidate, b: Candidate): number {
  return a.cost === b.cost ? 0 : a.cost < b.cost ? -1 : 1;
}
