/**
 * Work that is done in slices: whoever drives it may do something else at each `undefined` that it yields. What it is about
 * must not change meanwhile: it looks at the state before the first one, and at copies from then on.
 */
export type Slices<T> = Generator<undefined, T, undefined>;

/** Does all of it at once. */
export function atOnce<T>(slices: Slices<T>): T {
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value;
  }
}
