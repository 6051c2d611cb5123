/** Followers and terms in etcd whose process dies, or whose network loses requests or answers, where a test chooses. */
import { systemClock } from "../../base/clock.ts";
import { silentLogger } from "../../base/logger.ts";
import type { TxnRequest } from "../../proto/generated/etcdserverpb/TxnRequest.ts";
import { winElection } from "../../controller/store/etcd/election.ts";
import { type CallLimits, EtcdClient } from "../../controller/store/etcd/etcd-client.ts";
import { EtcdError } from "../../controller/store/etcd/etcd-error.ts";
import { beginTerm } from "../../controller/store/etcd/etcd-store.ts";
import { Layout } from "../../controller/store/etcd/layout.ts";
import { LeaderWatch } from "../../controller/store/etcd/leader-watch.ts";
import { Mirror } from "../../controller/store/etcd/mirror.ts";
import type { Store } from "../../controller/store/store.ts";

const LEASE_TTL_MS = 60_000;
const ELECTED_WITHIN_MS = 30_000;

/** What becomes of a transaction: it is done and answered, or done without an answer, or it never arrives. */
export type Fate = "answered" | "answer lost" | "request lost";

/** A client whose transactions meet the fate that the test gives each. */
export class FatefulClient extends EtcdClient {
  /** All that was sent, in order, repetitions included. */
  readonly sent: TxnRequest[] = [];
  fateOf: (index: number) => Fate = () => "answered";
  /** While it is true no watch can be opened. */
  isWatchCut = false;
  readonly #lost = Promise.withResolvers<void>();

  /** Resolves when the first request is lost. */
  get firstLost(): Promise<void> {
    return this.#lost.promise;
  }

  override async txn(request: TxnRequest, limits?: CallLimits): ReturnType<EtcdClient["txn"]> {
    const fate = this.fateOf(this.sent.push(request) - 1);
    if (fate === "request lost") {
      this.#lost.resolve();
      throw new EtcdError("unavailable", "the request was lost");
    }
    const answer = await super.txn(request, limits);
    if (fate === "answer lost") throw new EtcdError("unavailable", "the answer was lost");
    return answer;
  }

  override openWatch(): ReturnType<EtcdClient["openWatch"]> {
    if (this.isWatchCut) throw new EtcdError("unavailable", "the watch is cut");
    return super.openWatch();
  }
}

export interface Term {
  readonly client: FatefulClient;
  readonly store: Store;
  /** As when the process is killed: it says nothing more, and its lease has run out. */
  die(): Promise<void>;
}

/** Has a copy of what lies below the prefix, and leads when it is told to. */
export class Follower {
  readonly client: FatefulClient;
  readonly mirror: Mirror;
  readonly #parts;

  constructor(endpoints: readonly string[], prefix: string) {
    this.client = new FatefulClient({ endpoints });
    this.#parts = { client: this.client, layout: new Layout(prefix), clock: systemClock, log: silentLogger };
    this.mirror = new Mirror(this.#parts);
  }

  /** As soon as nobody else leads. */
  async lead(onElected: () => void = () => undefined): Promise<Term> {
    const { client } = this;
    const leaderWatch = new LeaderWatch(this.#parts);
    const signal = AbortSignal.timeout(ELECTED_WITHIN_MS);
    const candidate = { address: "127.0.0.1:7000", instance: "fateful" };
    const options = { ...this.#parts, leaderWatch, candidate, leaseTtlMs: LEASE_TTL_MS };
    const tenure = await winElection(options, signal);
    // Nothing tells this leader that its key is gone.
    await leaderWatch.close();
    onElected();
    const found = await this.mirror.upTo(tenure.term, signal);
    client.sent.splice(0);
    const store = await beginTerm({ ...this.#parts, tenure, compactEveryMs: 0 }, found);
    const die = async () => {
      client.fateOf = () => "request lost";
      await tenure.close();
      await store.close();
      client.close();
    };
    return { client, store, die };
  }
}
