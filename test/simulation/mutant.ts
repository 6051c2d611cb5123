import type { Condition, FaultKind } from "./faults.ts";

/** A bug that is planted: one piece of text, which must be there exactly once, becomes another. */
export interface Mutant {
  /** What somebody would have forgotten. */
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Faults that have to meet for it to matter: each of its seeds has them, beside those that chance gives it. */
  readonly under?: readonly (FaultKind | Condition)[];
}
