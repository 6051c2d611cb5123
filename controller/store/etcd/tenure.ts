import type { Clock } from "../../../base/clock.ts";
import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Service } from "../../../base/service.ts";
import { SECOND_MS } from "../../../base/time.ts";
import { StoreError, type Tenure } from "../store.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { EtcdError } from "./etcd-error.ts";

export interface LeaseOptions {
  readonly client: EtcdClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whole seconds. */
  readonly leaseTtlMs: number;
}

/** Renewals in a lease's time. */
const RENEWALS = 7;
/** How much earlier than etcd the leader thinks that its lease is over: at most, and as a share of it. */
const MAX_MARGIN_MS = SECOND_MS;
const MARGIN_SHARE = 1 / 5;
const RESIGN_ATTEMPTS = 3;

/** How long after the sending of a renewal the leader may rely on it. */
export function reliableMs(leaseTtlMs: number): number {
  return leaseTtlMs - Math.min(MAX_MARGIN_MS, leaseTtlMs * MARGIN_SHARE);
}

/**
 * A term and the lease that it lives by. Renewed until it is over: because etcd says so, because nothing was heard from etcd for
 * too long, or because it was closed, which ends the lease, so that the next leader need not wait for its end.
 */
export class EtcdTenure implements Tenure, Service {
  readonly term: number;
  readonly lost: Promise<StoreError>;
  /** Aborts when the term is over, however it ends. */
  readonly over: AbortSignal;
  readonly #options: LeaseOptions;
  readonly #leaseId: number;
  readonly #end = new AbortController();
  readonly #onLost: (error: StoreError) => void;
  readonly #renewing: NodeJS.Timeout;
  #expiry: NodeJS.Timeout | undefined;
  #reliableUntilMs: number;
  #closed: Promise<void> | undefined;

  /** @param sentAtMs when the lease was asked for, on the monotonic clock */
  constructor(options: LeaseOptions, lease: { readonly id: number; readonly term: number; readonly sentAtMs: number }) {
    this.#options = options;
    this.#leaseId = lease.id;
    this.term = lease.term;
    this.over = this.#end.signal;
    const { promise, resolve } = Promise.withResolvers<StoreError>();
    this.lost = promise;
    this.#onLost = resolve;
    this.#reliableUntilMs = lease.sentAtMs + reliableMs(options.leaseTtlMs);
    this.#renewing = setInterval(() => void this.#renew(), options.leaseTtlMs / RENEWALS);
    this.#watchExpiry();
  }

  isHeld(): boolean {
    // Asks the clock and not the timer: a process that was stopped must know it before anything else runs.
    return !this.over.aborted && this.#options.clock.monotonicMs() < this.#reliableUntilMs;
  }

  /** Somebody has learned that this term is over. */
  lose(why: string, cause?: unknown): StoreError {
    const error = new StoreError("fenced", `term ${this.term} is over: ${why}`, { cause });
    if (this.over.aborted) return error;
    this.#options.log.warn({ term: this.term, why }, "leadership lost");
    this.#stop();
    this.#onLost(error);
    return error;
  }

  close(): Promise<void> {
    this.#closed ??= this.#resign();
    return this.#closed;
  }

  #stop(): void {
    clearInterval(this.#renewing);
    clearTimeout(this.#expiry);
    this.#end.abort();
  }

  /** Several may be under way at once: one that hangs holds up no other. */
  async #renew(): Promise<void> {
    const { client, clock, leaseTtlMs } = this.#options;
    const sentAtMs = clock.monotonicMs();
    try {
      await client.keepLeaseAlive(this.#leaseId, { deadlineMs: leaseTtlMs / 4, signal: this.over });
      this.#reliableUntilMs = Math.max(this.#reliableUntilMs, sentAtMs + reliableMs(leaseTtlMs));
    } catch (error) {
      if (this.over.aborted) return;
      if (error instanceof EtcdError && error.code === "no_lease") this.lose("its lease has ended in etcd", error);
      else this.#options.log.debug({ error: messageOf(error) }, "lease not renewed");
    }
  }

  #watchExpiry(): void {
    const remainingMs = this.#reliableUntilMs - this.#options.clock.monotonicMs();
    if (remainingMs > 0) this.#expiry = setTimeout(() => this.#watchExpiry(), Math.ceil(remainingMs));
    else this.lose(`etcd has acknowledged no renewal for ${reliableMs(this.#options.leaseTtlMs)} ms`);
  }

  /** Ends the lease, and with it the election key; if that cannot be done in a few attempts, it ends by itself. */
  async #resign(): Promise<void> {
    const { client, log } = this.#options;
    this.#stop();
    for (let attempt = 1; attempt <= RESIGN_ATTEMPTS; attempt += 1) {
      try {
        await client.revokeLease(this.#leaseId);
        return;
      } catch (error) {
        if (error instanceof EtcdError && error.code === "no_lease") return;
        log.debug({ error: messageOf(error) }, "lease not ended");
      }
    }
    log.warn({ term: this.term }, "cannot resign in etcd: the next leader must wait for the end of the lease");
  }
}
