import type { Random } from "../../../test/support/random.ts";

/** Which of the nodes with room is taken. */
export type Choice = "best" | "first" | "random";

/** What a job asks of how many nodes. */
export interface Shape {
  readonly gpusPerNode: number;
  readonly nodes: number;
}

/** Nodes of which only whole GPUs count: how many are free on each, and which. */
export class Pool {
  readonly free: Int32Array;
  readonly #devices: string[][];
  readonly #names: readonly string[];
  readonly #choice: Choice;
  readonly #random: Random;

  constructor(nodes: readonly { name: string; gpus: number }[], choice: Choice, random: Random) {
    this.free = Int32Array.from(nodes, ({ gpus }) => gpus);
    this.#devices = nodes.map(({ name, gpus }) => Array.from({ length: gpus }, (_, index) => `${name}/${index}`));
    this.#names = nodes.map(({ name }) => name);
    this.#choice = choice;
    this.#random = random;
  }

  /** The nodes that the job would take of such free GPUs; undefined when it does not fit. */
  fit({ gpusPerNode, nodes }: Shape, free: Int32Array = this.free): readonly number[] | undefined {
    if (nodes === 1) {
      const index = this.#one(gpusPerNode, free);
      return index < 0 ? undefined : [index];
    }
    const candidates: number[] = [];
    for (const [index, count] of free.entries()) if (count >= gpusPerNode) candidates.push(index);
    if (candidates.length < nodes) return undefined;
    if (this.#choice === "best") candidates.sort((a, b) => (free[a] ?? 0) - (free[b] ?? 0) || a - b);
    return candidates.slice(0, nodes);
  }

  #one(gpus: number, free: Int32Array): number {
    let chosen = -1;
    let seen = 0;
    for (const [index, count] of free.entries()) {
      if (count < gpus) continue;
      seen += 1;
      if (this.#choice === "first") return index;
      if (this.#choice === "random" ? this.#random.next() * seen < 1 : count < (free[chosen] ?? Infinity))
        chosen = index;
    }
    return chosen;
  }

  take(indexes: readonly number[], gpus: number) {
    return indexes.map((index) => {
      this.free[index] = (this.free[index] ?? 0) - gpus;
      return { node: this.#names[index] ?? "", devices: this.#devices[index]?.splice(0, gpus) ?? [] };
    });
  }

  give(indexes: readonly number[], shares: readonly { readonly devices: readonly string[] }[]): void {
    for (const [position, index] of indexes.entries()) {
      const devices = shares[position]?.devices ?? [];
      this.free[index] = (this.free[index] ?? 0) + devices.length;
      this.#devices[index]?.push(...devices);
    }
  }
}
