import type { Service } from "../base/service.ts";
import { openSqliteStore, sizeOfStore, type SqliteStoreOptions } from "./store/sqlite/sqlite-store.ts";
import type { Store } from "./store/store.ts";

/** How a controller comes to lead. */
export interface Candidate extends Service {
  /** Who leads, this controller included, as far as is known. */
  readonly leader: { readonly address: string } | undefined;
  /** Whether it may lead again in the same process once its term is over. */
  readonly leadsAgain: boolean;
  /** How full the store is, and how far a copy of it is behind: for metrics. */
  readStore(): Promise<StoreReading>;
  /** Waits until this controller leads: a term has then begun in the store, which the caller closes. */
  campaign(signal: AbortSignal): Promise<Store>;
}

/** A moment's reading of the store. */
export interface StoreReading {
  /** The file, or each member of etcd that answered. */
  readonly parts: readonly {
    readonly name: string;
    readonly sizeBytes: number;
    readonly inUseBytes?: number;
    readonly quotaBytes?: number;
  }[];
  /** Members of etcd that did not answer. */
  readonly unreachable: readonly string[];
  /** Whether nothing new is taken for lack of room, as far as this controller knows. */
  readonly isShort: boolean;
  /** Of a controller that waits to lead: how many rows it has, and how many commits it is behind, where that is known. */
  readonly copy?: { readonly rows: number; readonly behind: number | undefined } | undefined;
}

export interface LoneCandidateOptions extends Omit<SqliteStoreOptions, "owner"> {
  readonly address: string;
}

/** For reads, cancellations and what agents report while the disk is full: hours of them. */
const RESERVE_BYTES = 64 * 1024 * 1024;

/** The only controller of its data directory: whoever holds that leads. */
export class LoneCandidate implements Candidate {
  readonly leader: { readonly address: string };
  readonly leadsAgain = false;
  readonly #options: LoneCandidateOptions;
  #store: Store | undefined;

  constructor(options: LoneCandidateOptions) {
    this.leader = { address: options.address };
    this.#options = options;
  }

  /** @throws StoreError `locked` or `damaged` with what to do */
  async campaign(): Promise<Store> {
    this.#store = await openSqliteStore({ reserveBytes: RESERVE_BYTES, ...this.#options, owner: this.leader });
    return this.#store;
  }

  async readStore(): Promise<StoreReading> {
    const parts = [{ name: "sqlite", sizeBytes: await sizeOfStore(this.#options.dataDir) }];
    return { parts, unreachable: [], isShort: this.#store?.shortage !== undefined };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
