/**
 * The journal of a term is a file of lines, each a JSON object that ends with a checksum of itself:
 *
 *     header    format, version, clusterId, term, revision, at, settings, rows (how many follow)
 *     row       a row of the store as the term found it: table, key, value
 *     loaded    SHA-256 of all lines so far
 *     batch     at, inputs, passed, decisions, hash (see HashChain); failure instead of passed where a bug ended the term
 *
 * It holds what jobs were given, their environments included: it is for its owner's eyes.
 */
import { z } from "zod";
import type { Input, Unstamped } from "../core/input.ts";
import type { Settings } from "../core/model/state.ts";
import { type Row, TABLES } from "../store/store.ts";

/** Changes whenever lines change their meaning, or the inputs of the core theirs. */
export const JOURNAL_FORMAT = 1;

/** What the first line tells. */
export interface JournalHeader {
  readonly format: typeof JOURNAL_FORMAT;
  /** Of the program that wrote it. */
  readonly version: string;
  readonly clusterId: string;
  readonly term: number;
  /** Of the store, when the term began. */
  readonly revision: number;
  /** When the state was loaded: milliseconds since the epoch. */
  readonly at: number;
  readonly settings: Settings;
  /** How many rows follow. */
  readonly rows: number;
}

/** One batch as it was recorded. */
export interface JournalBatch {
  /** The stamp of its inputs: milliseconds since the epoch. */
  readonly at: number;
  readonly inputs: readonly Unstamped<Input>[];
  /** Whether a scheduling pass ran; undefined where a bug ended the term. */
  readonly passed?: boolean;
  readonly failure?: string;
  /** In words: see `decisionsOf`. */
  readonly decisions: readonly string[];
  /** The chain's hash after this batch. */
  readonly hash: string;
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const headerSchema = z.strictObject({
  format: z.literal(JOURNAL_FORMAT),
  version: z.string(),
  clusterId: z.string(),
  term: z.int(),
  revision: z.int(),
  at: z.number(),
  settings: z.record(z.string(), z.unknown()),
  rows: z.int().nonnegative(),
});

const rowSchema = z.strictObject({
  table: z.enum(TABLES),
  key: z.string(),
  value: z.record(z.string(), z.unknown()),
});

const loadedSchema = z.strictObject({ loaded: hash });

const batchSchema = z.strictObject({
  at: z.number(),
  inputs: z.array(z.looseObject({ kind: z.string() })),
  passed: z.boolean().optional(),
  failure: z.string().optional(),
  decisions: z.array(z.string()),
  hash,
});

/** The header; undefined if it is none. Its settings were the core's when it was written: their shape is trusted. */
export function asHeader(value: unknown): JournalHeader | undefined {
  return headerSchema.safeParse(value).data as JournalHeader | undefined;
}

export function asRow(value: unknown): Row | undefined {
  return rowSchema.safeParse(value).data;
}

/** The hash of a line that ends the rows. */
export function asLoaded(value: unknown): string | undefined {
  return loadedSchema.safeParse(value).data?.loaded;
}

/** The batch; undefined if it is none. The checksum vouches for the shape of its inputs. */
export function asBatch(value: unknown): JournalBatch | undefined {
  // What zod returns has its fields in another order: the recorded text is what was hashed.
  return batchSchema.safeParse(value).success ? (value as JournalBatch) : undefined;
}
