import { freeHost, type Inventory, type Node } from "./node.ts";

/** Beyond so many different states of nodes they are numbered anew. */
const MAX_KNOWN = 100_000;

/**
 * Numbers that are equal for nodes that are alike: in what they have, in what of it is free and in whether they take work,
 * but for their labels and their free memory, of which there are as many different ones as there are jobs. On a real
 * cluster few nodes are unlike all others, so that what is worked out for one of them holds for many.
 */
export class Likenesses {
  #numbers = new Map<string, number>();
  #last = 0;

  of(node: Node): number {
    const { likeness: known, record } = node;
    if (known?.version === node.roomVersion) return known.number;
    const traits = this.traitsOf(node);
    const number = takesWork(node) ? this.#numberOf(`${traits} ${whatIsLeft(node)}`) : 0;
    node.likeness = { version: node.roomVersion, inventory: record.inventory, traits, number };
    return number;
  }

  /** A number that is equal for nodes that have the same, whatever of it is free. */
  traitsOf({ likeness: known, record: { inventory } }: Node): number {
    return known?.inventory === inventory ? known.traits : this.#numberOf(describe(inventory));
  }

  /** No number is ever used again for something else. */
  #numberOf(text: string): number {
    let number = this.#numbers.get(text);
    if (number !== undefined) return number;
    if (this.#numbers.size >= MAX_KNOWN) this.#numbers.clear();
    this.#last += 1;
    number = this.#last;
    this.#numbers.set(text, number);
    return number;
  }
}

/** Whether the node may be counted on: silent and cordoned ones may not, nor one that has yet to prove itself. */
export function takesWork(node: Node): boolean {
  const { reach, session, record, executorReady, goodBeats } = node;
  return reach === "online" && session !== undefined && !record.cordon && executorReady && goodBeats === undefined;
}

function describe({ devices, cpuCores, memoryMb, executor, allowsSharing = false, volumePrefixes }: Inventory): string {
  const models = devices.map((device) => `${device.memoryMb} ${device.model}`);
  return JSON.stringify([models, cpuCores, memoryMb, executor, allowsSharing, volumePrefixes]);
}

function whatIsLeft(node: Node): string {
  const { devices } = node.record.inventory;
  const hot = node.hot.size === 0 ? "" : devices.map(({ id }) => Number(node.hot.has(id))).join("");
  return `${freeHost(node).cpuCores} ${node.room.join()} ${hot}`;
}
