import { messageOf } from "../../base/errors.ts";
import type { JournalBatch, JournalHeader } from "./format.ts";
import { JournalError, readJournal } from "./read-journal.ts";
import type { Settings, State } from "../core/model/state.ts";
import { type BatchResult, runBatch } from "../loop/batch.ts";
import { recover } from "../loop/recovery.ts";
import type { Row } from "../store/store.ts";

export interface PlayOptions {
  /** Instead of those that the journal has. */
  readonly settings?: Partial<Settings>;
}

/** A journal as it is played: the state that it begins with, then every batch once the core has run it. */
export type Played =
  /** `text` is the header's line, its line feed included. */
  | {
      readonly kind: "loaded";
      readonly header: JournalHeader;
      readonly text: string;
      readonly state: State;
    }
  | {
      readonly kind: "batch";
      readonly line: number;
      readonly recorded: JournalBatch;
      readonly outcome: BatchResult | { readonly failure: string };
      /** As it is after the batch; changed in place by the next one. */
      readonly state: State;
    }
  | { readonly kind: "cut"; readonly line: number };

/**
 * Builds the journal's first state again, and runs its batches through the core in the same grouping.
 *
 * @throws JournalError once what precedes the problem has been given
 */
export async function* playJournal(path: string, options: PlayOptions = {}): AsyncGenerator<Played> {
  const rows: Row[] = [];
  let start: { readonly header: JournalHeader; readonly text: string } | undefined;
  let state: State | undefined;
  const load = (): Played & { kind: "loaded" } => {
    if (!start) throw new JournalError("damaged", "the journal has no header");
    const { header, text } = start;
    const { clusterId, term, revision, at } = header;
    const settings = { ...header.settings, ...options.settings };
    state = recover({ clusterId, term, revision, rows }, settings, at);
    rows.length = 0;
    return { kind: "loaded", header, text, state };
  };
  for await (const entry of readJournal(path)) {
    if (entry.kind === "header") start = entry;
    else if (entry.kind === "row") rows.push(entry.row);
    else {
      if (!state) yield load();
      if (entry.kind === "cut") yield entry;
      else if (state) {
        const outcome = runAgain(state, entry.batch);
        yield { kind: "batch", line: entry.line, recorded: entry.batch, outcome, state };
        // A bug has left the state half changed: the term ended here.
        if ("failure" in outcome) return;
      }
    }
  }
  if (!state) yield load();
}

function runAgain(state: State, { inputs, at }: JournalBatch): BatchResult | { readonly failure: string } {
  try {
    return runBatch(state, inputs, at);
  } catch (error) {
    return { failure: messageOf(error) };
  }
}
