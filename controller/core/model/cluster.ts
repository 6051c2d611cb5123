import type { NodeName } from "../../../base/ids.ts";
import { Likenesses } from "./likeness.ts";
import { compareNatural } from "./natural-order.ts";
import { measureRoom, type Node } from "./node.ts";

/** Changes that are remembered for each node of the cluster before the oldest are dropped. */
const CHANGES_PER_NODE = 4;
const MIN_CHANGES = 1_000;

/**
 * The nodes, numbered as they joined, and which of them changed, so that whatever is worked out for all nodes can be kept
 * in step by looking at those alone.
 */
export class Cluster {
  readonly byName = new Map<NodeName, Node>();
  /** By ordinal. */
  readonly nodes: Node[] = [];
  readonly likenesses = new Likenesses();
  #ranks: Int32Array | undefined;
  #changes: number[] = [];
  /** How many changes were dropped before the first one that is kept. */
  #dropped = 0;

  /** How many changes there have been. */
  get version(): number {
    return this.#dropped + this.#changes.length;
  }

  add(node: Node): void {
    node.ordinal = this.nodes.length;
    this.nodes.push(node);
    this.byName.set(node.record.name, node);
    this.#ranks = undefined;
    this.touch(node);
  }

  /** Something about the node has changed that may matter to where jobs fit. */
  touch(node: Node): void {
    measureRoom(node);
    node.roomVersion += 1;
    this.touchTimes(node);
  }

  /** Work on the node ends at another time than was expected; all that is free now stays as it is. */
  touchTimes(node: Node): void {
    node.version += 1;
    this.#changes.push(node.ordinal);
    const limit = Math.max(MIN_CHANGES, CHANGES_PER_NODE * this.nodes.length);
    if (this.#changes.length < 2 * limit) return;
    this.#dropped += this.#changes.length - limit;
    this.#changes = this.#changes.slice(-limit);
  }

  /** The ordinal of the node whose change led from this version to the next. */
  changeAt(version: number): number {
    return this.#changes[version - this.#dropped] ?? 0;
  }

  /** Whether {@link changeAt} still knows all changes since the version. */
  remembers(version: number): boolean {
    return version >= this.#dropped;
  }

  /** For each ordinal its place in the order of names, numbers in names by value: what ties are decided by. */
  get ranks(): Int32Array {
    if (this.#ranks) return this.#ranks;
    const order = [...this.nodes].sort((a, b) => compareNatural(a.record.name, b.record.name));
    const ranks = new Int32Array(order.length);
    for (const [rank, node] of order.entries()) ranks[node.ordinal] = rank;
    this.#ranks = ranks;
    return ranks;
  }
}
