/** What every part is told. */
export interface BenchOptions {
  /** Short measurements on small amounts, for a machine that only checks that everything runs. */
  readonly quick: boolean;
}

/** For how long one figure is measured, in milliseconds, and how long the same is done before without counting. */
export function durations({ quick }: BenchOptions): { readonly measureMs: number; readonly warmUpMs: number } {
  return quick ? { measureMs: 500, warmUpMs: 250 } : { measureMs: 2_500, warmUpMs: 1_000 };
}
