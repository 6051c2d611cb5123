import type { Service } from "../../base/service.ts";

/** The tables. A job is two rows: its changing part, and the spec that is written once. */
export const TABLES = ["job", "spec", "tenant", "node", "membership"] as const;
/** Where a row belongs. */
export type Table = (typeof TABLES)[number];

/** A row is a JSON document under a key that is unique in its table. */
export type RowValue = { readonly [field: string]: unknown };

/** A row as it is stored. */
export interface Row {
  readonly table: Table;
  readonly key: string;
  readonly value: RowValue;
}

/** Puts the value under the key, or removes the key (`value` null). */
export interface Write {
  readonly table: Table;
  readonly key: string;
  readonly value: RowValue | null;
}

/** Everything that a term begins with. */
export interface StoreContents {
  /** Made with the store, never changes: tells one cluster's records from another's. */
  readonly clusterId: string;
  /** Of this leadership: larger than every one before it. */
  readonly term: number;
  /** Counts commits; never goes back. */
  readonly revision: number;
  readonly rows: readonly Row[];
}

/**
 * Why the store refuses.
 *
 * - `locked` another process holds it; the message names it
 * - `damaged` what is there cannot be trusted; the message has the path and what to do; nothing was changed
 * - `fenced` a later term has begun: this one is over
 * - `regressed` agents remember a newer state of this cluster than what is stored: it was restored, or has lost writes
 * - `full` there is no room for the commit, which was not done
 * - `failed` the commit may or may not be durable: this term is over
 */
export type StoreErrorCode = "locked" | "damaged" | "fenced" | "regressed" | "full" | "failed";

/** The store refuses; the message is for the operator. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** A store's right to be written, and its controller's to lead. */
export interface Tenure {
  /**
   * Whether the term may be acted upon at this very moment: to be asked before each promise that reaches beyond the store, such as
   * a node's lease. A commit needs no asking: it is refused.
   */
  isHeld(): boolean;
  /** Resolves with why when the term ends although nobody has closed the store. */
  readonly lost: Promise<StoreError>;
}

/**
 * Where the controller's state is durable. One caller, one commit at a time.
 *
 * Opening a store begins a new term (see the implementations' `open`), so that whatever an earlier holder still sends is refused.
 */
export interface Store extends Service {
  readonly kind: "memory" | "sqlite" | "etcd";
  readonly tenure: Tenure;
  /**
   * Why nothing new should be stored for now, as a sentence for whoever wants that; undefined while there is room. What changes or
   * removes rows that are there may still be committed.
   */
  readonly shortage?: string | undefined;
  /**
   * Whether nothing at all can be written for now, while what is stored can be read: a commit would be refused as `full`. May be
   * found out only by such a commit.
   */
  readonly isFull?: boolean | undefined;
  /**
   * Everything that is stored, read anew after a commit that was refused as `full`: the term goes on from there. Where there is no
   * such method, `full` ends the term as any other error does.
   */
  recall?(): Promise<StoreContents>;
  /** Everything that is stored. Called once, before the first commit. */
  load(): Promise<StoreContents>;
  /**
   * Makes all writes durable, or none. Resolves with the new revision once they would survive a power cut.
   * After any error nothing more may be committed: reopen and load; or, after `full`, `recall`.
   */
  commit(writes: readonly Write[]): Promise<number>;
}
