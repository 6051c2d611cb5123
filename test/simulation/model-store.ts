import {
  type Row,
  type RowValue,
  type Store,
  type StoreContents,
  type Tenure,
  StoreError,
  TABLES,
  type Table,
  type Write,
} from "../../controller/store/store.ts";
import type { Random } from "../support/random.ts";
import type { Actor } from "./actor.ts";
import type { Network } from "./network.ts";

/** How long etcd keeps the key of a leader that it does not hear. */
export const LEADER_TTL_MS = 5_000;
/** By how much earlier a leader that is not answered steps down, on its own clock. */
const LEADER_MARGIN_MS = 1_500;
/** A request to etcd that is not answered by then has failed, for all that its sender knows. */
const REQUEST_DEADLINE_MS = 1_500;
const CLUSTER_ID = "simulated-cluster";

/** Is told what becomes durable, at that moment. */
export type OnCommit = (writes: readonly Write[], term: number) => void;

/** What a store may do wrong, as likelihoods per request. */
export interface StoreFaults {
  /** Refused, and nothing happened. */
  refusals: number;
  /** Carried out, and the answer is lost. */
  lostAnswers: number;
  maxDelayMs: number;
}

/**
 * The one durable state, with the semantics of SQLite (one process; a commit is whole or not at all, whether or not its
 * process lives to hear of it) or of etcd (requests over a network, a key for the leader under a lease, transactions that
 * compare its revision: that revision is the term).
 */
export class ModelStore {
  readonly kind: "sqlite" | "etcd";
  readonly faults: StoreFaults = { refusals: 0, lostAnswers: 0, maxDelayMs: 5 };
  /** No majority: nothing is answered. */
  isDown = false;
  /** etcd has raised its alarm: it can be read and leases are renewed, and nothing is written. */
  #isFull = false;
  /** Since when that is over. */
  #roomSinceMs = Number.NEGATIVE_INFINITY;
  readonly #network: Network;
  readonly #random: Random;
  readonly #onCommit: OnCommit;
  readonly #tables: Readonly<Record<Table, Map<string, string>>> = {
    job: new Map(),
    spec: new Map(),
    tenant: new Map(),
    node: new Map(),
    membership: new Map(),
  };
  #revision = 0;
  /** The leader's key; for SQLite, the process that has the lock. */
  #leader:
    | { readonly actor: Actor; readonly term: number; readonly electedAtMs: number; expiresAtMs: number }
    | undefined;

  constructor(kind: "sqlite" | "etcd", network: Network, random: Random, onCommit: OnCommit) {
    this.kind = kind;
    this.#network = network;
    this.#random = random;
    this.#onCommit = onCommit;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  set isFull(isFull: boolean) {
    if (this.#isFull && !isFull) this.#roomSinceMs = this.#network.timeline.now;
    this.#isFull = isFull;
  }

  /** For how long there has been room. */
  get roomForMs(): number {
    return this.#isFull ? 0 : this.#network.timeline.now - this.#roomSinceMs;
  }

  /** The term that has the store now, undefined between terms. */
  get term(): number | undefined {
    return this.#leaderNow()?.term;
  }

  /** For how long another than this term has had the store: a leader of the term that still answers agents should have noticed. */
  supersededForMs(term: number): number {
    const leader = this.#leaderNow();
    return leader && leader.term > term ? this.#network.timeline.now - leader.electedAtMs : 0;
  }

  /** The leader's lease is lost though it renews it in time. */
  revokeLease(): void {
    this.#leader = undefined;
  }

  /** Gives the lock or the key up at once. */
  resign(actor: Actor): void {
    if (this.#leader?.actor === actor) this.#leader = undefined;
  }

  /** The actor's term, if nobody else leads. Repeated by who was not answered, it gives the term that was won before. */
  async campaign(actor: Actor): Promise<Leadership | undefined> {
    const sentAtMs = actor.monotonicMs();
    const term = await this.#request(actor, "campaign", () => this.#elect(actor));
    return term === undefined ? undefined : new Leadership(this, actor, term, sentAtMs);
  }

  /** False when the leader's key is another's, or nobody's. */
  renew(actor: Actor, term: number): Promise<boolean> {
    return this.#request(actor, "renew", () => {
      const leader = this.#leaderNow();
      if (leader?.actor !== actor || leader.term !== term) return false;
      leader.expiresAtMs = this.#network.timeline.now + LEADER_TTL_MS;
      return true;
    });
  }

  load(actor: Actor, term: number): Promise<StoreContents> {
    return this.#request(actor, "load", () => {
      const rows: Row[] = [];
      for (const table of TABLES) {
        for (const [key, text] of this.#tables[table]) rows.push({ table, key, value: JSON.parse(text) as RowValue });
      }
      return { clusterId: CLUSTER_ID, term, revision: this.#revision, rows };
    });
  }

  commit(actor: Actor, term: number, writes: readonly Write[]): Promise<number> {
    const texts = writes.map(({ value }) => (value === null ? undefined : JSON.stringify(value)));
    return this.#request(actor, "commit", () => {
      if (this.#leaderNow()?.term !== term) throw new StoreError("fenced", `term ${term} is over`);
      if (this.isFull) throw new StoreError("full", "no room");
      for (const [index, { table, key }] of writes.entries()) {
        const text = texts[index];
        if (text === undefined) this.#tables[table].delete(key);
        else this.#tables[table].set(key, text);
      }
      this.#revision += 1;
      this.#onCommit(writes, term);
      return this.#revision;
    });
  }

  #elect(actor: Actor): number | undefined {
    const leader = this.#leaderNow();
    if (leader) return leader.actor === actor ? leader.term : undefined;
    if (this.isFull) return undefined;
    this.#revision += 1;
    const { now } = this.#network.timeline;
    this.#leader = { actor, term: this.#revision, electedAtMs: now, expiresAtMs: now + LEADER_TTL_MS };
    return this.#revision;
  }

  #leaderNow() {
    const leader = this.#leader;
    if (!leader) return undefined;
    const isOver = this.kind === "etcd" ? leader.expiresAtMs <= this.#network.timeline.now : !leader.actor.isAlive;
    if (isOver) this.#leader = undefined;
    return this.#leader;
  }

  /** Over the network or into the file: it is carried out or not, and answered or not. */
  #request<T>(actor: Actor, what: string, apply: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const { timeline } = this.#network;
      const fail = (why: string) => reject(new StoreError("failed", `${what}: ${why}`));
      const deadline =
        this.kind === "etcd" &&
        timeline.after(REQUEST_DEADLINE_MS / actor.clockRate, actor, `${what} is late`, () => fail("no answer"));
      const answer = (settle: () => void) => {
        if (this.kind === "etcd" && this.#network.isBlocked("store", actor.name)) return;
        timeline.after(this.#delayMs(), actor, `${what} is answered`, () => {
          if (deadline) deadline.cancel();
          settle();
        });
      };
      if (this.kind === "etcd" && this.#network.isBlocked(actor.name, "store")) return;
      timeline.after(this.#delayMs(), undefined, `store: ${what} of ${actor.name}`, () => {
        // A file is written by its process alone; what is on its way to etcd arrives whatever has become of its sender.
        if (this.kind === "sqlite" && !actor.isAlive) return;
        if (this.isDown) return void (this.kind === "sqlite" && answer(() => fail("refused")));
        if (this.#random.next() < this.faults.refusals) return answer(() => fail("refused"));
        try {
          const result = apply();
          const isLost = this.#random.next() < this.faults.lostAnswers;
          if (!isLost) answer(() => resolve(result));
          else if (this.kind === "sqlite") answer(() => fail("nobody knows"));
        } catch (error) {
          answer(() => reject(error));
        }
      });
    });
  }

  #delayMs(): number {
    return this.#random.next() * this.faults.maxDelayMs;
  }
}

/** One controller's claim to lead: what its term may rest on. */
export class Leadership implements Store {
  readonly kind: "sqlite" | "etcd";
  readonly term: number;
  readonly tenure: Tenure = { isHeld: () => this.isSure, lost: new Promise(() => undefined) };
  readonly #model: ModelStore;
  readonly #actor: Actor;
  #wasRefused = false;
  /** When the last renewal that was answered was sent. */
  #renewedAtMs: number;

  constructor(model: ModelStore, actor: Actor, term: number, sentAtMs: number) {
    this.kind = model.kind;
    this.term = term;
    this.#model = model;
    this.#actor = actor;
    this.#renewedAtMs = sentAtMs;
  }

  /** Whether nobody else can lead yet, as far as this controller knows. */
  get isSure(): boolean {
    if (this.kind === "sqlite") return true;
    return this.#actor.monotonicMs() - this.#renewedAtMs <= LEADER_TTL_MS - LEADER_MARGIN_MS;
  }

  /** Renews the lease; false when it is lost. */
  async renew(): Promise<boolean> {
    const sentAtMs = this.#actor.monotonicMs();
    const isOurs = await this.#model.renew(this.#actor, this.term).catch(() => undefined);
    if (isOurs) this.#renewedAtMs = Math.max(this.#renewedAtMs, sentAtMs);
    return isOurs !== false;
  }

  /** As it is told by looking at etcd now and then, which begins with a refusal. */
  get isFull(): boolean {
    return this.#wasRefused && this.#model.isFull;
  }

  load(): Promise<StoreContents> {
    return this.#model.load(this.#actor, this.term);
  }

  recall(): Promise<StoreContents> {
    return this.#model.load(this.#actor, this.term);
  }

  async commit(writes: readonly Write[]): Promise<number> {
    try {
      const revision = await this.#model.commit(this.#actor, this.term, writes);
      this.#wasRefused = false;
      return revision;
    } catch (error) {
      this.#wasRefused ||= error instanceof StoreError && error.code === "full";
      throw error;
    }
  }

  close(): Promise<void> {
    this.#model.resign(this.#actor);
    return Promise.resolve();
  }
}
