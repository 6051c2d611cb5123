import type { StoreErrorCode } from "../store.ts";
import type { PackedWrite } from "./database.ts";
import type { RowChunk } from "./inspection.ts";
import type { Refill } from "./reserve.ts";
import type { Mark } from "../accepted-loss.ts";
import type { Meta } from "./schema.ts";

/**
 * What the store asks of its worker thread, in this order: open, read until undefined, begin, commit …, close. A second thread checks
 * the pages meanwhile, so that neither waits for the other.
 */
export interface WorkerCalls {
  /** Takes hold of the directory; whether something is stored there, of which then all must be read and the pages checked. */
  open(): boolean;
  /** For the second thread, between open and begin: that SQLite's own structures are whole. */
  checkPages(): void;
  /** The next rows, their checksums verified; undefined after the last. */
  read(): RowChunk | undefined;
  /** Begins the next term: the first call that changes what is stored. */
  begin(): Meta;
  /** Once durable. Throws `full` when there is no room, not even in the reserve: then it may be tried again. */
  commit(writes: readonly PackedWrite[]): Committed;
  /** Makes some more of the reserve. */
  refill(): Refill;
  /** Gives everything back; the thread ends. At any time. */
  close(): void;
}

export interface Committed {
  readonly revision: number;
  /** The reserve had to go for it. */
  readonly tookReserve: boolean;
}

/** What the worker thread is started with. */
export interface WorkerOptions {
  readonly dataDir: string;
  readonly address: string;
  /** How far the cluster had come whose latest state is lost. */
  readonly lost?: Mark | undefined;
  /** Room that is kept for when the disk is full. */
  readonly reserveBytes: number;
}

export interface WorkerRequest {
  readonly call: keyof WorkerCalls;
  readonly args: readonly unknown[];
}

/** Replies come in the order of the requests. Errors lose their class between threads, so only what matters crosses. */
export type WorkerReply =
  | { readonly isRefused: false; readonly value: unknown }
  | { readonly isRefused: true; readonly code: StoreErrorCode; readonly message: string };
