import type { Service } from "../base/service.ts";
import { openSqliteStore, type SqliteStoreOptions } from "./store/sqlite/sqlite-store.ts";
import type { Store } from "./store/store.ts";

/** How a controller comes to lead. */
export interface Candidate extends Service {
  /** Who leads, this controller included, as far as is known. */
  readonly leader: { readonly address: string } | undefined;
  /** Whether it may lead again in the same process once its term is over. */
  readonly leadsAgain: boolean;
  /** Waits until this controller leads: a term has then begun in the store, which the caller closes. */
  campaign(signal: AbortSignal): Promise<Store>;
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

  constructor(options: LoneCandidateOptions) {
    this.leader = { address: options.address };
    this.#options = options;
  }

  /** @throws StoreError `locked` or `damaged` with what to do */
  campaign(): Promise<Store> {
    return openSqliteStore({ reserveBytes: RESERVE_BYTES, ...this.#options, owner: this.leader });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
