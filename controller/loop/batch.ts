import { InvariantError } from "../../base/assert.ts";
import type { Input, Unstamped } from "../core/input.ts";
import type { State } from "../core/model/state.ts";
import { type Effect, Output, type RowWrite } from "../core/output.ts";
import { schedule } from "../core/schedule/pass.ts";
import { type Answer, step } from "../core/step.ts";

/** What came of a batch. */
export interface BatchResult {
  /** One for each input, in their order. */
  readonly answers: readonly Answer[];
  readonly writes: readonly RowWrite[];
  readonly effects: readonly Effect[];
  /** Whether anything called for a scheduling pass. */
  readonly passed: boolean;
}

/**
 * Steps the inputs of a moment through the core, and runs at most one scheduling pass: the one way in which the loop, and
 * whatever repeats it later, drives the core.
 *
 * @param at the loop's clock: milliseconds since the epoch
 * @throws InvariantError on a bug: the state must then be dropped whole
 */
export function runBatch(state: State, inputs: readonly Unstamped<Input>[], at: number): BatchResult {
  const out = new Output();
  const answers = inputs.map((input) => step(state, { ...input, at }, out));
  const passed = state.needsPass;
  schedule(state, out, at);
  return { answers, writes: out.writes, effects: out.effects, passed };
}

/**
 * Steps inputs that write nothing, without a scheduling pass: while the store takes no writes.
 *
 * @returns what may be told at once
 * @throws InvariantError if one of them writes after all
 */
export function runUnwritten(state: State, inputs: readonly Unstamped<Input>[], at: number): readonly Effect[] {
  const out = new Output();
  for (const input of inputs) step(state, { ...input, at }, out);
  if (out.writes.length > 0) throw new InvariantError("something was written while the store takes no writes");
  return out.effects;
}
