import {
  type Candidate,
  capacity,
  type Group,
  largest,
  type Sizes,
  sizesOf,
  suffices,
  together,
  type Want,
} from "./candidate.ts";

/** How many may be taken of each. */
interface Most {
  readonly clusters: number;
  readonly groups: number;
}

/** A search that would weigh more sums than this, which is some milliseconds of them, is left to the greedy rule. */
const MOST_SUMS = 1_000_000;

/**
 * As few of the groups as together take the gang. The largest, and of those that suffice with them the smallest, are nearly
 * always as few as can be; where they might not be, all combinations are weighed, unless those are millions.
 *
 * @returns undefined when all together are not enough
 */
export function fewestGroups(groups: readonly Group[], want: Want): readonly Group[] | undefined {
  const greedy = largestGroups(groups, want);
  return greedy && (fewerGroups([groups], want, { clusters: 1, groups: greedy.length - 1 }) ?? greedy);
}

/**
 * As few groups as suffice, of so many clusters at most, if there are so few.
 *
 * Dynamic programming, the knapsack with a bound on its items (Kellerer, Pferschy and Pisinger, Knapsack Problems, 2004,
 * section 9.7): for every number of clusters, groups and nodes the most GPUs that those can give.
 *
 * @param clusters the groups that stand together one switch further up
 */
export function fewerGroups(
  clusters: readonly (readonly Group[])[],
  want: Want,
  most: Most,
): readonly Group[] | undefined {
  const useful = withoutUseless(clusters, want);
  if (!isConceivable(useful.flat(), want, most) || sumsOf(useful, want, most) > MOST_SUMS) return undefined;
  const table = new Table(want, most);
  for (const cluster of useful) table.add(cluster);
  return table.fewest();
}

/** The largest groups, and of those that suffice together with them the smallest. */
function largestGroups(groups: readonly Group[], want: Want): readonly Group[] | undefined {
  let left = groups.map((group) => ({ group, sizes: sizesOf(group) }));
  left.sort((a, b) => capacity(a.group) - capacity(b.group));
  const taken: Group[] = [];
  for (let sizes: Sizes = []; left.length > 0; left = left.slice(0, -1)) {
    const last = left.find((other) => suffices(together(sizes, other.sizes), want));
    if (last) return [...taken, last.group];
    for (const next of left.slice(-1)) {
      taken.push(next.group);
      sizes = together(sizes, next.sizes);
    }
  }
  return undefined;
}

/** Without the nodes that are too small even beside all the largest. */
function withoutUseless(clusters: readonly (readonly Group[])[], want: Want): readonly (readonly Group[])[] {
  const others = capacity(largest(clusters.flat(2), want.nodes - 1));
  const isUseful = ({ gpus }: Candidate) => gpus >= want.gpus - others;
  return clusters.map((groups) => {
    const useful = groups.map((group) => largest(group.filter(isUseful), want.nodes));
    return useful.filter((group) => group.length > 0);
  });
}

/** Whether so many of the groups would do if each could give all it has. */
function isConceivable(groups: readonly Group[], { gpus }: Want, most: Most): boolean {
  const capacities = groups.map(capacity).sort((a, b) => b - a);
  return capacities.slice(0, most.groups).reduce((sum, each) => sum + each, 0) >= gpus;
}

function sumsOf(clusters: readonly (readonly Group[])[], { nodes }: Want, most: Most): number {
  return clusters.flat(2).length * nodes * most.clusters * most.groups;
}

/** The most GPUs that so many nodes of so many groups give, and of which. */
interface Sum {
  readonly gpus: number;
  readonly group?: Group;
  readonly rest?: Sum;
}

/** By the number of nodes; empty where there is none. */
type Row = (Sum | undefined)[];

/** Rows by the number of clusters, and of groups. */
class Table {
  readonly #want: Want;
  readonly #most: Most;
  #rows: Row[][];

  constructor(want: Want, most: Most) {
    this.#want = want;
    this.#most = most;
    this.#rows = [[[{ gpus: 0 }]]];
  }

  /** Once without the cluster's groups, and once with them. */
  add(groups: readonly Group[]): void {
    let opened = [[], ...this.#rows].slice(0, this.#most.clusters + 1);
    for (const group of groups) opened = opened.map((rows) => this.#with(group, rows));
    this.#rows = opened.map((rows, clusters) => {
      const before = this.#rows[clusters] ?? [];
      return Array.from({ length: Math.max(rows.length, before.length) }, (_, count) => {
        return larger(rows[count] ?? [], before[count] ?? []);
      });
    });
  }

  fewest(): readonly Group[] | undefined {
    for (let count = 1; count <= this.#most.groups; count += 1) {
      for (const rows of this.#rows) {
        const sum = rows[count]?.find((it) => it !== undefined && it.gpus >= this.#want.gpus);
        if (sum) return groupsOf(sum);
      }
    }
    return undefined;
  }

  #with(group: Group, rows: readonly Row[]): Row[] {
    const more = [[], ...rows.map((row) => this.#extend(row, group))].slice(0, this.#most.groups + 1);
    return more.map((row, count) => larger(row, rows[count] ?? []));
  }

  /** Each sum of the row with the group's largest one, two, three, … nodes besides. */
  #extend(row: Row, group: Group): Row {
    const more: Row = [];
    row.forEach((rest, nodes) => {
      if (!rest) return;
      const most = Math.min(group.length, this.#want.nodes - nodes);
      for (let [taken, gpus] = [1, rest.gpus]; taken <= most; taken += 1) {
        gpus += group[taken - 1]?.gpus ?? 0;
        const at = nodes + taken;
        if (gpus > (more[at]?.gpus ?? 0)) more[at] = { gpus, group, rest };
      }
    });
    return more;
  }
}

function larger(a: Row, b: Row): Row {
  const row: Row = [];
  for (let nodes = 0; nodes < Math.max(a.length, b.length); nodes += 1) {
    const [x, y] = [a[nodes], b[nodes]];
    row.push((x?.gpus ?? -1) < (y?.gpus ?? -1) ? y : x);
  }
  return row;
}

function groupsOf(sum: Sum): readonly Group[] {
  return sum.group && sum.rest ? [...groupsOf(sum.rest), sum.group] : [];
}
