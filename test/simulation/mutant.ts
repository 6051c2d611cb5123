/** A bug that is planted: one piece of text, which must be there exactly once, becomes another. */
export interface Mutant {
  /** What somebody would have forgotten. */
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}
