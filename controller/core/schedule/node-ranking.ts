import { present } from "../../../base/assert.ts";
import type { Cluster } from "../model/cluster.ts";
import { Heap } from "../model/heap.ts";
import type { Node } from "../model/node.ts";

/** How much the node costs for this kind of job: the least is taken; infinity is a node that cannot be taken. */
export type NodeCost = (node: Node) => number;

/**
 * The nodes of a cluster by their cost for one kind of job. It is kept in step by looking at the nodes that changed since
 * it was last asked, so that a question costs what has changed, not what there is. Ties go by name.
 *
 * A binary heap with positions; taking the n cheapest costs O(n log n) and changes nothing.
 */
export class NodeRanking {
  readonly #cluster: Cluster;
  readonly #costOf: NodeCost;
  #costs = new Float64Array(0);
  #heap = new Int32Array(0);
  /** Where each ordinal is in the heap; -1 for nodes that cannot be taken. */
  #places = new Int32Array(0);
  /** The version of each node when it was last looked at. */
  #versions = new Int32Array(0);
  #size = 0;
  #version = -1;
  #ranks: Int32Array | undefined;

  constructor(cluster: Cluster, costOf: NodeCost) {
    this.#cluster = cluster;
    this.#costOf = costOf;
  }

  /** How many nodes can be taken. */
  get size(): number {
    this.#catchUp();
    return this.#size;
  }

  /** The cheapest node. */
  get best(): Node | undefined {
    this.#catchUp();
    return this.#size === 0 ? undefined : this.#cluster.nodes[this.#heap[0] ?? 0];
  }

  costOf(node: Node): number {
    this.#catchUp();
    return this.#costs[node.ordinal] ?? Number.POSITIVE_INFINITY;
  }

  /** The cheapest of the nodes that are accepted: most often it is the very first. */
  find(isAccepted: (node: Node) => boolean): Node | undefined {
    const { best } = this;
    if (!best || isAccepted(best)) return best;
    for (const node of this.ascending()) if (node !== best && isAccepted(node)) return node;
    return undefined;
  }

  /** From the cheapest on. The cluster must not change meanwhile. */
  *ascending(): Generator<Node> {
    this.#catchUp();
    // The next cheapest is always a child of one that was taken.
    const frontier = new Heap<number>((a, b) => (this.#isCheaper(this.#heap[a] ?? 0, this.#heap[b] ?? 0) ? -1 : 1));
    if (this.#size > 0) frontier.add(0);
    for (let place = frontier.take(); place !== undefined; place = frontier.take()) {
      yield present(this.#cluster.nodes[this.#heap[place] ?? 0], "ranked node");
      for (const child of [2 * place + 1, 2 * place + 2]) if (child < this.#size) frontier.add(child);
    }
  }

  #catchUp(): void {
    const cluster = this.#cluster;
    if (this.#version === cluster.version && this.#ranks) return;
    if (this.#ranks !== cluster.ranks || !cluster.remembers(this.#version)) this.#rebuild();
    else for (; this.#version < cluster.version; this.#version += 1) this.#update(cluster.changeAt(this.#version));
    this.#version = cluster.version;
  }

  #rebuild(): void {
    const count = this.#cluster.nodes.length;
    this.#ranks = this.#cluster.ranks;
    this.#costs = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
    this.#heap = new Int32Array(count);
    this.#places = new Int32Array(count).fill(-1);
    this.#versions = new Int32Array(count).fill(-1);
    this.#size = 0;
    for (let ordinal = 0; ordinal < count; ordinal += 1) this.#update(ordinal);
  }

  #update(ordinal: number): void {
    const node = present(this.#cluster.nodes[ordinal], "changed node");
    if (this.#versions[ordinal] === node.version) return;
    this.#versions[ordinal] = node.version;
    const cost = this.#costOf(node);
    const before = this.#costs[ordinal] ?? Number.POSITIVE_INFINITY;
    if (cost === before) return;
    this.#costs[ordinal] = cost;
    let place = this.#places[ordinal] ?? -1;
    if (cost === Number.POSITIVE_INFINITY) {
      this.#remove(place);
      return;
    }
    if (place === -1) {
      place = this.#size;
      this.#size += 1;
      this.#put(ordinal, place);
    }
    this.#sift(place);
  }

  #remove(place: number): void {
    if (place === -1) return;
    this.#places[this.#heap[place] ?? 0] = -1;
    this.#size -= 1;
    if (place === this.#size) return;
    this.#put(this.#heap[this.#size] ?? 0, place);
    this.#sift(place);
  }

  #sift(start: number): void {
    const heap = this.#heap;
    let place = start;
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      if (!this.#isCheaper(heap[place] ?? 0, heap[parent] ?? 0)) break;
      this.#swap(place, parent);
      place = parent;
    }
    for (;;) {
      const left = 2 * place + 1;
      if (left >= this.#size) return;
      const right = left + 1;
      const child = right < this.#size && this.#isCheaper(heap[right] ?? 0, heap[left] ?? 0) ? right : left;
      if (!this.#isCheaper(heap[child] ?? 0, heap[place] ?? 0)) return;
      this.#swap(place, child);
      place = child;
    }
  }

  #isCheaper(a: number, b: number): boolean {
    const x = this.#costs[a] ?? 0;
    const y = this.#costs[b] ?? 0;
    if (x !== y) return x < y;
    return (this.#ranks?.[a] ?? 0) < (this.#ranks?.[b] ?? 0);
  }

  #swap(a: number, b: number): void {
    const ordinal = this.#heap[a] ?? 0;
    this.#put(this.#heap[b] ?? 0, a);
    this.#put(ordinal, b);
  }

  #put(ordinal: number, place: number): void {
    this.#heap[place] = ordinal;
    this.#places[ordinal] = place;
  }
}
