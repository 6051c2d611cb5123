import { delay } from "../../../base/abort.ts";
import type { Clock } from "../../../base/clock.ts";
import { messageOf, RequestError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { Service } from "../../../base/service.ts";
import { MINUTE_MS, SECOND_MS } from "../../../base/time.ts";
import type { StoreReading } from "../../candidate.ts";
import type { Mark } from "../accepted-loss.ts";
import { type Store, StoreError } from "../store.ts";
import { winElection } from "./election.ts";
import { EtcdClient, type EtcdClientOptions } from "./etcd-client.ts";
import { type EtcdHealth, HealthWatch } from "./etcd-health.ts";
import { checkVersions } from "./etcd-version.ts";
import { beginTerm } from "./etcd-store.ts";
import { DEFAULT_PREFIX, Layout, parseHead } from "./layout.ts";
import { type LeaderHint, LeaderWatch } from "./leader-watch.ts";
import { Mirror } from "./mirror.ts";
import type { EtcdTenure } from "./tenure.ts";

export interface EtcdCandidateOptions extends EtcdClientOptions {
  /** Where this controller is reached by those who look for the leader. */
  readonly address: string;
  /** This controller's name, for people. */
  readonly instance: string;
  /** Below which all keys lie. */
  readonly prefix?: string | undefined;
  /** How long after a leader's sudden end nobody leads, at most: whole seconds, at least 2. */
  readonly leaseTtlMs?: number | undefined;
  readonly compactEveryMs?: number | undefined;
  /** How far the cluster had come whose latest state is lost, once a person has accepted that: later terms are beyond it. */
  readonly lost?: Mark | undefined;
  /** Also versions of etcd that are known to have lost leases. */
  readonly allowsOld?: boolean | undefined;
  /** How often etcd is asked how it is. */
  readonly healthEveryMs?: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export const DEFAULT_LEASE_TTL_MS = 5 * SECOND_MS;
const DEFAULT_COMPACT_EVERY_MS = 5 * MINUTE_MS;
/** etcd gives no shorter lease than one and a half of its election timeouts. */
const MIN_LEASE_TTL_MS = 2 * SECOND_MS;
const RETRY_MS = SECOND_MS;

/**
 * A controller that can lead: it knows who leads, and waits with a copy of the state to do so itself.
 *
 *     campaign() ──► waits, copies ──► elected: a store ──► store.close(), or store.tenure.lost ──► campaign() again
 *
 * Close the store before the candidate.
 */
export class EtcdCandidate implements Service {
  readonly leadsAgain = true;
  readonly #options: EtcdCandidateOptions;
  readonly #client: EtcdClient;
  readonly #layout: Layout;
  readonly #leaderWatch: LeaderWatch;
  readonly #health: HealthWatch;
  readonly #closing = new AbortController();
  #campaign: Promise<Store> | undefined;
  /** Whether etcd's version will do. */
  #isChecked = false;
  #mirror: Mirror | undefined;
  #tenure: EtcdTenure | undefined;

  /** Begins to look who leads; reads the TLS files. */
  constructor(options: EtcdCandidateOptions) {
    const { leaseTtlMs = DEFAULT_LEASE_TTL_MS, endpoints, prefix = DEFAULT_PREFIX, log } = options;
    if (endpoints.length === 0) throw new RequestError("invalid", "no etcd endpoint is given");
    if (leaseTtlMs < MIN_LEASE_TTL_MS || leaseTtlMs % SECOND_MS !== 0) {
      throw new RequestError("invalid", "the leader's lease must be whole seconds, and at least 2");
    }
    this.#options = options;
    this.#client = new EtcdClient(options);
    this.#layout = new Layout(prefix);
    this.#leaderWatch = new LeaderWatch({ client: this.#client, layout: this.#layout, log });
    this.#leaderWatch.onChange((leader) => this.#compareWithTenure(leader));
    this.#health = new HealthWatch(this.#client, log, options.healthEveryMs);
  }

  /** Who leads, this controller included, as far as is known; undefined while nobody does. */
  get leader(): LeaderHint | undefined {
    return this.#leaderWatch.leader;
  }

  /** Calls after every change of `leader`; returns what ends that. */
  onLeaderChange(listener: (leader: LeaderHint | undefined) => void): () => void {
    return this.#leaderWatch.onChange(listener);
  }

  /** How many rows this controller has copied while it waits to lead; undefined while it does not wait. */
  get following(): number | undefined {
    return this.#mirror?.rowCount;
  }

  /** The latest answer of etcd's members about themselves. */
  get health(): EtcdHealth | undefined {
    return this.#health.latest;
  }

  async readStore(): Promise<StoreReading> {
    const { members = [], unreachable = [] } = this.#health.latest ?? {};
    const parts = members.map(({ endpoint: name, dbSizeBytes, dbSizeInUseBytes, quotaBytes }) => {
      return { name, sizeBytes: dbSizeBytes, inUseBytes: dbSizeInUseBytes, quotaBytes };
    });
    const isShort = this.#health.shortage !== undefined;
    const mirror = this.#mirror;
    if (!mirror) return { parts, unreachable, isShort };
    return { parts, unreachable, isShort, copy: { rows: mirror.rowCount, behind: await this.#behind(mirror) } };
  }

  /** Commits that the copy does not have yet; undefined while etcd does not say. */
  async #behind(mirror: Mirror): Promise<number | undefined> {
    try {
      const { kvs } = await this.#client.range({ key: Buffer.from(this.#layout.head) });
      const text = kvs[0]?.value.toString();
      if (text === undefined) return 0;
      return Math.max(0, parseHead(this.#layout, text).revision - (mirror.headRevision ?? 0));
    } catch {
      return undefined;
    }
  }

  /**
   * Waits until this controller leads; the store's term has then begun. One campaign at a time, and none while a store of this
   * candidate leads.
   *
   * @throws StoreError `damaged`; RequestError `invalid` for an etcd that is too old; whatever the signal was aborted with
   */
  async campaign(signal: AbortSignal): Promise<Store> {
    if (this.#campaign || this.#tenure?.isHeld()) throw new Error("a campaign is under way, or won");
    this.#campaign = this.#run(AbortSignal.any([signal, this.#closing.signal]));
    try {
      return await this.#campaign;
    } finally {
      this.#campaign = undefined;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new RequestError("unavailable", "the candidate is closed"));
    await this.#campaign?.catch(() => undefined);
    await this.#tenure?.close();
    await this.#health.close();
    await this.#leaderWatch.close();
    this.#client.close();
  }

  async #run(signal: AbortSignal): Promise<Store> {
    const { log, allowsOld: isOldAllowed = false } = this.#options;
    for (;;) {
      try {
        if (!this.#isChecked) await checkVersions(this.#client, { isOldAllowed, log, signal });
        this.#isChecked = true;
        return await this.#lead(signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof StoreError && error.code === "damaged") throw error;
        if (error instanceof RequestError && error.code === "invalid") throw error;
        this.#options.log.warn({ error: messageOf(error) }, "elected in etcd, but the term could not begin");
      }
      await delay(RETRY_MS, signal);
    }
  }

  async #lead(signal: AbortSignal): Promise<Store> {
    const { log, clock, address, instance, leaseTtlMs = DEFAULT_LEASE_TTL_MS, compactEveryMs, lost } = this.#options;
    const parts = { client: this.#client, layout: this.#layout, clock, log };
    const mirror = new Mirror(parts);
    this.#mirror = mirror;
    let tenure: EtcdTenure | undefined;
    try {
      const candidate = { address, instance };
      tenure = await winElection({ ...parts, candidate, leaderWatch: this.#leaderWatch, leaseTtlMs }, signal);
      this.#tenure = tenure;
      const electedAtMs = clock.monotonicMs();
      const found = await mirror.upTo(tenure.term, AbortSignal.any([signal, tenure.over]));
      const store = await beginTerm(
        { ...parts, tenure, compactEveryMs: compactEveryMs ?? DEFAULT_COMPACT_EVERY_MS, room: this.#health, lost },
        found,
      );
      const tookMs = Math.round(clock.monotonicMs() - electedAtMs);
      log.info({ term: tenure.term, rows: found?.rows.length ?? 0, tookMs }, "elected in etcd");
      return store;
    } catch (error) {
      await tenure?.close();
      throw error;
    } finally {
      this.#mirror = undefined;
      await mirror.close();
    }
  }

  /** The key may go without its lease: an operator's hand, or a restored etcd. */
  #compareWithTenure(leader: LeaderHint | undefined): void {
    const tenure = this.#tenure;
    if (!tenure || tenure.over.aborted || leader?.term === tenure.term) return;
    tenure.lose(leader ? `term ${leader.term} has begun` : "its election key is gone");
  }
}
