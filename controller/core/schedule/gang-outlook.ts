import type { Cluster } from "../model/cluster.ts";
import type { Node } from "../model/node.ts";
import { Gains } from "./gains.ts";

/** How many of a gang's GPUs a node can take, as far as running jobs are concerned. */
export interface Capacities {
  readonly free: number;
  /** As its work ends, in the order of time. */
  readonly later: readonly { readonly at: number; readonly gpus: number }[];
}

/** Of a node that takes no job of the kind. */
export const NO_CAPACITIES: Capacities = { free: 0, later: [] };

/** What one node will be able to take, as it was when it was last looked at. */
interface NodeOutlook extends Capacities {
  readonly version: number;
}

/**
 * How many GPUs of a gang that may use any split of them the nodes will be able to take as running work ends, one by one
 * and together. Kept in step by looking at the nodes that changed since it was last asked.
 */
export class GangOutlook {
  readonly #cluster: Cluster;
  readonly #capacitiesOf: (node: Node) => Capacities;
  readonly #nodes: NodeOutlook[] = [];
  /** From when on each node takes anything at all: most do not, and to look each of them up would cost more than all else. */
  readonly #firstAt: number[] = [];
  /** What the nodes have free together. */
  #free = 0;
  readonly #gains = new Gains();
  #version = -1;

  constructor(cluster: Cluster, capacitiesOf: (node: Node) => Capacities) {
    this.#cluster = cluster;
    this.#capacitiesOf = capacitiesOf;
  }

  /**
   * The first time, from those at which work ends and `now`, at which together they take so many GPUs; undefined when
   * there is none. Found by halving, as if capacities only grew; what is kept for others may make it another one.
   *
   * @param keptAt by how much what is kept for others lowers the whole at some time
   */
  firstTime(gpus: number, now: number, keptAt: (when: number) => number): number | undefined {
    this.#catchUp();
    const gains = this.#gains;
    gains.add(now, 0);
    let low = 0;
    for (let high = gains.size; low < high; ) {
      const middle = (low + high) >>> 1;
      const when = gains.at(middle) ?? now;
      if (this.#free + gains.upTo(when) - keptAt(when) >= gpus) high = middle;
      else low = middle + 1;
    }
    const first = gains.at(low);
    gains.remove(now, 0);
    return first;
  }

  /** How many of the gang's GPUs the node will be able to take. */
  capacityAt(node: Node, when: number): number {
    this.#catchUp();
    const { free, later } = this.#nodes[node.ordinal] ?? NO_CAPACITIES;
    let capacity = free;
    for (const { at, gpus } of later) {
      if (at > when) break;
      capacity = gpus;
    }
    return capacity;
  }

  /** The nodes that will be able to take any, as they joined, and how many each. */
  *capacitiesAt(when: number): Generator<{ readonly node: Node; readonly gpus: number }> {
    this.#catchUp();
    for (let ordinal = 0; ordinal < this.#firstAt.length; ordinal += 1) {
      const node = (this.#firstAt[ordinal] ?? 0) <= when && this.#cluster.nodes[ordinal];
      if (node) yield { node, gpus: this.capacityAt(node, when) };
    }
  }

  #catchUp(): void {
    const cluster = this.#cluster;
    if (this.#version === cluster.version) return;
    if (cluster.remembers(this.#version)) {
      for (; this.#version < cluster.version; this.#version += 1) this.#look(cluster.changeAt(this.#version));
    } else {
      for (const { ordinal } of cluster.nodes) this.#look(ordinal);
    }
    this.#version = cluster.version;
  }

  #look(ordinal: number): void {
    const node = this.#cluster.nodes[ordinal];
    const before = this.#nodes[ordinal];
    if (!node || before?.version === node.version) return;
    const capacities = this.#capacitiesOf(node);
    this.#nodes[ordinal] = { version: node.version, ...capacities };
    const { free, later } = capacities;
    this.#firstAt[ordinal] =
      free > 0 ? Number.NEGATIVE_INFINITY : (later.find(({ gpus }) => gpus > 0)?.at ?? Number.POSITIVE_INFINITY);
    this.#count(before ?? NO_CAPACITIES, -1);
    this.#count(capacities, 1);
  }

  #count({ free, later }: Capacities, sign: 1 | -1): void {
    this.#free += sign * free;
    let last = free;
    for (const { at, gpus } of later) {
      if (sign === 1) this.#gains.add(at, gpus - last);
      else this.#gains.remove(at, gpus - last);
      last = gpus;
    }
  }
}
