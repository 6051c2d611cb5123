import { decisionsOf } from "./decisions.ts";
import { HashChain } from "./hash-chain.ts";
import { JournalError } from "./read-journal.ts";
import { type PlayOptions, type Played, playJournal } from "./play-journal.ts";

/** The first batch of which something else came than was recorded. */
export interface Difference {
  readonly line: number;
  /** Which batch, counted from 1. */
  readonly batch: number;
  /** Its stamp: milliseconds since the epoch. */
  readonly at: number;
  readonly inputKinds: readonly string[];
  /** In words; the same as those recomputed where only details differ. */
  readonly recorded: readonly string[];
  readonly recomputed: readonly string[];
}

/** How a journal was replayed. */
export interface ReplayReport {
  /** Of the program that wrote the journal; undefined if that could not be read. */
  readonly version: string | undefined;
  /** How many batches, and inputs in them, gave the same as before. */
  readonly batches: number;
  readonly inputs: number;
  /** The chain's hash after them: 64 hexadecimal digits. */
  readonly hash: string;
  readonly difference?: Difference;
  /** Why the rest could not be read. */
  readonly problem?: JournalError;
  /** The number of the last line, if it was not written whole. */
  readonly cutLine?: number;
}

/** Runs a journal through the core again, up to the first batch that differs. */
export async function replayJournal(path: string, options: PlayOptions = {}): Promise<ReplayReport> {
  let chain: HashChain | undefined;
  const same: { -readonly [field in keyof ReplayReport]: ReplayReport[field] } = {
    version: undefined,
    batches: 0,
    inputs: 0,
    hash: "",
  };
  try {
    for await (const played of playJournal(path, options)) {
      if (played.kind === "cut") same.cutLine = played.line;
      else if (played.kind === "loaded") {
        chain = new HashChain(played.text);
        same.version = played.header.version;
        same.hash = chain.hash;
      } else if (chain) {
        const { recorded, outcome } = played;
        const hash = chain.add({ ...recorded, outcome });
        if (hash !== recorded.hash) return { ...same, difference: differenceOf(played, same.batches + 1) };
        same.batches += 1;
        same.inputs += recorded.inputs.length;
        same.hash = hash;
      }
    }
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    same.problem = error;
  }
  return same;
}

function differenceOf({ line, recorded, outcome }: Played & { kind: "batch" }, batch: number): Difference {
  const { at, inputs, decisions } = recorded;
  return {
    line,
    batch,
    at,
    inputKinds: inputs.map(({ kind }) => kind),
    recorded: decisions,
    recomputed: decisionsOf({ at, inputs, outcome }),
  };
}
