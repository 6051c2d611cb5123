import type { Node } from "../model/node.ts";

/** A node that could take so many of a gang's GPUs. */
export interface Candidate {
  readonly node: Node;
  readonly gpus: number;
  /** Among nodes that take as many the cheapest is taken. */
  readonly cost: number;
}

/** Candidates under one switch. */
export type Group = readonly Candidate[];

/** A gang: so many GPUs, on so many nodes at most. */
export interface Want {
  readonly gpus: number;
  readonly nodes: number;
}

/** Whether so many of the candidates take the gang. */
export function isEnough(candidates: readonly Candidate[], want: Want): boolean {
  return suffices(sizesOf(candidates), want);
}

/** How many candidates take one GPU, two GPUs, …: what a sum of the largest needs to know of them. */
export type Sizes = readonly number[];

/** The {@link Sizes} of the candidates. */
export function sizesOf(candidates: readonly Candidate[]): Sizes {
  const sizes: number[] = [];
  for (const { gpus } of candidates) sizes[gpus] = (sizes[gpus] ?? 0) + 1;
  return sizes;
}

/** Of both. */
export function together(a: Sizes, b: Sizes): Sizes {
  const sizes: number[] = [];
  for (let gpus = 0; gpus < Math.max(a.length, b.length); gpus += 1) sizes[gpus] = (a[gpus] ?? 0) + (b[gpus] ?? 0);
  return sizes;
}

/** Whether the largest of them, as many as may be taken, take the gang. */
export function suffices(sizes: Sizes, { gpus, nodes }: Want): boolean {
  let [missing, left] = [gpus, nodes];
  for (let size = sizes.length - 1; size > 0 && left > 0; size -= 1) {
    const taken = Math.min(left, sizes[size] ?? 0);
    missing -= taken * size;
    left -= taken;
  }
  return missing <= 0;
}

/** The candidates that take most. */
export function largest(candidates: readonly Candidate[], count: number): readonly Candidate[] {
  return candidates.toSorted((a, b) => b.gpus - a.gpus).slice(0, Math.max(0, count));
}

/** GPUs of all of them. */
export function capacity(candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { gpus }) => sum + gpus, 0);
}
