import { delay } from "../base/abort.ts";
import { messageOf, RequestError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { type Service, ServiceStack } from "../base/service.ts";
import type { Candidate } from "./candidate.ts";
import type { Front } from "./rpc/front.ts";
import { type Store, StoreError } from "./store/store.ts";
import { Term, type TermOptions } from "./term.ts";

/** A term that could not begin is not tried again at once. */
const RETRY_MS = 1_000;

export interface LeadershipOptions {
  /** Where this controller listens. */
  readonly address: string;
  readonly candidate: Candidate;
  readonly front: Front;
  readonly term: TermOptions;
  readonly log: Logger;
}

/** Leads whenever it is this controller's turn, one term after the other. */
export class Leadership implements Service {
  /** Resolves when the first term serves. */
  readonly began: Promise<void>;
  /** Resolves when this process can lead no more: it should end and start again. */
  readonly ended: Promise<Error>;
  readonly #options: LeadershipOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #term: Term | undefined;
  #onBegan: () => void;
  #onEnded: (error: Error) => void;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    ({ promise: this.began, resolve: this.#onBegan } = Promise.withResolvers<void>());
    ({ promise: this.ended, resolve: this.#onEnded } = Promise.withResolvers<Error>());
    this.#follow();
    this.#running = this.#run();
  }

  /** The term in which this controller leads; undefined while it does not. */
  get term(): number | undefined {
    return this.#term?.number;
  }

  /** How many devices are in which health; undefined while this controller does not lead. */
  async countHealth(): Promise<Awaited<ReturnType<Term["countHealth"]>> | undefined> {
    return this.#term?.countHealth();
  }

  /** For how long the batch under way has been, see {@link Term.busyMs}. */
  get busyMs(): number {
    return this.#term?.busyMs ?? 0;
  }

  /** Ends the term in order: calls under way have their answers, and the next leader need not wait. */
  async close(): Promise<void> {
    this.#closing.abort(new RequestError("unavailable", "the controller is shutting down"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { candidate, log } = this.#options;
    const { signal } = this.#closing;
    for (;;) {
      let why: Error;
      try {
        why = await this.#lead(await candidate.campaign(signal));
      } catch (error) {
        why = error instanceof Error ? error : new Error(messageOf(error));
        // What is damaged is as damaged for the next one.
        if (!signal.aborted && !this.#isOver(error)) await delay(RETRY_MS, signal);
        else if (!signal.aborted) return this.#onEnded(why);
      }
      if (signal.aborted) return;
      // Nor is there anybody else who could lead: the state is the same for all, and a person must decide.
      if (!candidate.leadsAgain || isRegressed(why)) return this.#onEnded(why);
      log.warn({ error: messageOf(why) }, "the term is over: this controller follows");
    }
  }

  #follow(): void {
    const { front, candidate } = this.#options;
    front.follow(() => candidate.leader?.address);
  }

  #isOver(error: unknown): boolean {
    if (!this.#options.candidate.leadsAgain) return true;
    return error instanceof Error && "code" in error && (error.code === "damaged" || error.code === "invalid");
  }

  /** Leads until the term is over; says why it is. */
  async #lead(store: Store): Promise<Error> {
    const { front, term: options, log } = this.#options;
    const { signal } = this.#closing;
    const services = new ServiceStack();
    services.add(store);
    try {
      const term = services.add(await Term.begin(store, options));
      front.lead(term.handlers);
      this.#term = term;
      const { number, clusterId } = term;
      log.info({ address: this.#options.address, term: number, cluster: clusterId }, "the controller leads");
      this.#onBegan();
      const why = await Promise.race([term.failed, store.tenure.lost, untilAborted(signal)]);
      this.#follow();
      if (signal.aborted) await front.drain();
      return why;
    } finally {
      this.#term = undefined;
      this.#follow();
      await services.close();
    }
  }
}

function isRegressed(error: Error): boolean {
  return error instanceof StoreError && error.code === "regressed";
}

function untilAborted(signal: AbortSignal): Promise<Error> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason as Error);
    else signal.addEventListener("abort", () => resolve(signal.reason as Error), { once: true });
  });
}
