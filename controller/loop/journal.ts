import type { Service } from "../../base/service.ts";
import type { Input, Unstamped } from "../core/input.ts";
import type { Settings } from "../core/model/state.ts";
import type { StoreContents } from "../store/store.ts";
import type { BatchResult } from "./batch.ts";

/** What a term begins with: enough to build its first state again. */
export interface TermStart extends StoreContents {
  /** When the state was loaded: milliseconds since the epoch. */
  readonly at: number;
  readonly settings: Settings;
}

/** A batch of the loop, and what came of it: a failure is a bug that ended the term, in its own words. */
export interface RecordedBatch {
  /** The stamp of all its inputs: milliseconds since the epoch. */
  readonly at: number;
  readonly inputs: readonly Unstamped<Input>[];
  readonly outcome: BatchResult | { readonly failure: string };
}

/**
 * Takes down everything that a loop is given and what it makes of it, so that it can be repeated. Never throws and never
 * makes the loop wait: what cannot be taken down ends the journal, not the term. What it is handed never changes.
 *
 * A batch is recorded while its writes are on their way to the store: the last one of a journal may never have become durable.
 */
export interface Journal extends Service {
  /** Called once, before the first batch. */
  begin(start: TermStart): void;
  /** Called for every batch, in order. */
  record(batch: RecordedBatch): void;
  /** What follows could not be repeated from what was taken down: nothing more is. The last batch may have been undone. */
  end(why: string): void;
}
