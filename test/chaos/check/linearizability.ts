/**
 * Whether a history of one object could have come of operations that each happened at one moment between its call and its answer:
 * the search of Wing and Gong (1993) with Lowe's memory of configurations that were seen ("Testing for linearizability", 2017).
 */

/** What the object is, one operation after the other. */
export interface Model<State, Op> {
  readonly initial: State;
  /** The state after the operation; undefined if its answer cannot have been given in this state. */
  step(state: State, operation: Op): State | undefined;
  /** The same text for states that are the same. */
  keyOf(state: State): string;
}

export interface Call<Op> {
  readonly operation: Op;
  readonly invokedMs: number;
  /** Undefined when nobody knows whether it happened: it may have at any time since its call, or never. */
  readonly returnedMs: number | undefined;
}

/** Exponential in the number of calls that are under way at the same time, linear in the length of the history. */
export function isLinearizable<State, Op>(history: readonly Call<Op>[], model: Model<State, Op>): boolean {
  const calls = history.toSorted((one, other) => one.invokedMs - other.invokedMs);
  const seen = new Set<string>();
  const search = (done: readonly boolean[], state: State): boolean => {
    const key = `${done.map(Number).join("")} ${model.keyOf(state)}`;
    if (seen.has(key)) return false;
    seen.add(key);
    const left = calls.filter((_, index) => !done[index]);
    const firstReturnMs = Math.min(...left.map(({ returnedMs }) => returnedMs ?? Number.POSITIVE_INFINITY));
    // What is left has no answers that could contradict anything.
    if (firstReturnMs === Number.POSITIVE_INFINITY) return true;
    return calls.some((call, index) => {
      if (done[index] || call.invokedMs > firstReturnMs) return false;
      const next = model.step(state, call.operation);
      return next !== undefined && search(done.with(index, true), next);
    });
  };
  return search(
    calls.map(() => false),
    model.initial,
  );
}
