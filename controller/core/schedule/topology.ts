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
 * that neighbouring ranks are neighbours. Racks are taken largest first, which is optimal for equal nodes.
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
    if (best) return inOrder(state, level === "rack" ? best.chosen : choose(byRack(best.group), gpus, nodes));
  }
  const blocks = groupsBy("block", candidates).sort((a, b) => capacity(b) - capacity(a));
  return inOrder(state, choose(blocks.flatMap(byRack), gpus, nodes) ?? choose(candidates, gpus, nodes));
}

/**
 * So many nodes, one after the other: of those given first, the ones that take most; the last one is the smallest and
 * cheapest that takes what is missing.
 */
function choose(candidates: readonly Candidate[], gpus: number, nodes: number): readonly Candidate[] | undefined {
  const largest = Math.max(0, ...candidates.map((candidate) => candidate.gpus));
  if (largest * nodes < gpus) return undefined;
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

/** The racks that take most first, so that few are needed; nodes without one come last. */
function byRack(candidates: readonly Candidate[]): readonly Candidate[] {
  const racks = groupsBy("rack", candidates).sort((a, b) => capacity(b) - capacity(a));
  const placed = new Set(racks.flat());
  return [...racks.flat(), ...candidates.filter((candidate) => !placed.has(candidate))];
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
