import type { Service } from "../../base/service.ts";
import type { PeerAnswer__Output } from "../../proto/generated/gpusched/v1/PeerAnswer.ts";
import type { PeerQuestion } from "../../proto/generated/gpusched/v1/PeerQuestion.ts";
import type { Membership } from "../core/input.ts";
import type { MeshView } from "../shell.ts";
import type { Relay } from "../uplink/routes.ts";

const LOOK_EVERY_MS = 1_000;
/** A stream that is lost is mostly back by then: nobody is asked before. */
const PATIENCE_MS = 3_000;
/** Who only looks for somebody that relays asks so many at a time; who needs a majority asks more. */
const FEW = 3;
const MANY = 32;
/** A peer is asked again when so much of what its last word counts has passed. */
const ASK_AGAIN_PART = 1 / 4;
/** From this part of the lease on a majority may be needed. */
const ASK_ALL_PART = 1 / 4;
const MAX_ANSWER_MS = 3_000;
/** Who has heard his leader by so much longer ago than another peer may be losing it himself. */
const FRESHER_MS = 2_000;
/** How often it is tried whether peers can be reached, while that is not needed. */
const TRY_EVERY_MS = 60_000;

export interface PeersOptions {
  readonly nodeName: string;
  view(): MeshView;
  nowMs(): number;
  /** Whether a leader works with this agent, directly or by way of a peer. */
  isConnected(): boolean;
  /** Rejects when no answer comes in time. */
  ask(address: string, question: PeerQuestion, deadlineMs: number): Promise<PeerAnswer__Output>;
  onAnswer(peer: string, askedAtMs: number, silentMs: number): void;
  readonly random?: () => number;
}

interface KnownRelay {
  readonly relay: Relay;
  readonly term: number;
  /** When it was asked. */
  readonly atMs: number;
  /** When it had heard the leader last. */
  readonly heardAtMs: number;
}

/** Asks the other agents whether they hear a leader, while this one does not, and remembers who of them would relay. */
export class Peers implements Service {
  readonly #options: PeersOptions;
  readonly #looking: NodeJS.Timeout;
  /** When each peer was asked last. */
  readonly #askedAtMs = new Map<string, number>();
  readonly #underWay = new Set<string>();
  readonly #relays = new Map<string, KnownRelay>();
  #lostAtMs: number | undefined;
  #reachesPeers: boolean | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /**
   * A peer that has a stream to the leader, of those with the highest term one that heard it as lately as any: a stream on which
   * nothing was heard for some time may be lost itself. Undefined when none is known.
   */
  relay(): Relay | undefined {
    const { view, nowMs, random = Math.random } = this.#options;
    const { membership, highestTerm } = view();
    const from = nowMs() - (membership?.vouchMs ?? 0);
    const known = [...this.#relays.values()].filter(({ term, atMs }) => atMs > from && term >= highestTerm);
    const best = Math.max(...known.map(({ term }) => term));
    const newest = known.filter(({ term }) => term === best);
    const heardAtMs = Math.max(...newest.map((peer) => peer.heardAtMs));
    const choice = newest.filter((peer) => peer.heardAtMs > heardAtMs - FRESHER_MS);
    return choice[Math.floor(random() * choice.length)]?.relay;
  }

  /** Whether one of them has answered, when that was tried last; undefined while it was not, or there are none. */
  get reachesPeers(): boolean | undefined {
    return this.#reachesPeers;
  }

  close(): Promise<void> {
    clearInterval(this.#looking);
    return Promise.resolve();
  }

  #look(): void {
    const { view, nowMs, isConnected } = this.#options;
    const { membership, leaseMs, unansweredMs } = view();
    if (isConnected() || !membership) {
      this.#lostAtMs = undefined;
      this.#askedAtMs.clear();
      this.#tryNowAndThen(membership);
      return;
    }
    this.#lostAtMs ??= nowMs();
    if (nowMs() - this.#lostAtMs < PATIENCE_MS) return;
    const most = unansweredMs >= leaseMs * ASK_ALL_PART ? MANY : FEW;
    for (const peer of this.#next(membership).slice(0, Math.max(0, most - this.#underWay.size))) {
      void this.#ask(peer, membership);
    }
  }

  /** Whether peers can be reached is told to the leader while it can be told: nobody else would know. */
  #tryNowAndThen(membership: Membership | undefined): void {
    const { nodeName, nowMs, random = Math.random } = this.#options;
    const others = membership?.members.filter(({ name }) => name !== nodeName) ?? [];
    if (!membership || others.length === 0) {
      this.#reachesPeers = undefined;
      this.#triedAtMs = Number.NEGATIVE_INFINITY;
      return;
    }
    if (nowMs() - this.#triedAtMs < TRY_EVERY_MS) return;
    this.#triedAtMs = nowMs();
    const drawn = others.map((peer) => ({ peer, draw: random() })).sort((a, b) => a.draw - b.draw);
    void this.#try(
      drawn.slice(0, MANY).map(({ peer }) => peer),
      membership,
    );
  }

  /** A few at a time, until one answers. */
  async #try(peers: Membership["members"], { vouchMs }: Membership): Promise<void> {
    const { nodeName, view, ask } = this.#options;
    const question = { cluster_id: view().clusterId, node_name: nodeName };
    const askOne = async ({ name, address }: (typeof peers)[number]): Promise<void> => {
      const answer = await ask(address, question, Math.min(MAX_ANSWER_MS, vouchMs / 2));
      if (answer.node_name !== name) throw new Error("somebody else answers there");
    };
    let isReached = false;
    for (let from = 0; from < peers.length && !isReached; from += FEW) {
      const outcomes = await Promise.allSettled(peers.slice(from, from + FEW).map(askOne));
      isReached = outcomes.some(({ status }) => status === "fulfilled");
    }
    this.#reachesPeers = isReached;
  }

  /** Who is to be asked now, those first that were not for longest, and otherwise by chance. */
  #next({ members, vouchMs }: Membership) {
    const { nodeName, nowMs, random = Math.random } = this.#options;
    const before = nowMs() - vouchMs * ASK_AGAIN_PART;
    return members
      .filter(({ name }) => name !== nodeName && !this.#underWay.has(name))
      .map((member) => ({
        ...member,
        atMs: this.#askedAtMs.get(member.name) ?? Number.MIN_SAFE_INTEGER,
        draw: random(),
      }))
      .filter(({ atMs }) => atMs <= before)
      .sort((a, b) => a.atMs - b.atMs || a.draw - b.draw);
  }

  async #ask({ name, address }: Membership["members"][number], { vouchMs }: Membership): Promise<void> {
    const { nodeName, view, nowMs, ask, onAnswer } = this.#options;
    const askedAtMs = nowMs();
    this.#askedAtMs.set(name, askedAtMs);
    this.#underWay.add(name);
    try {
      const question = { cluster_id: view().clusterId, node_name: nodeName };
      const answer = await ask(address, question, Math.min(MAX_ANSWER_MS, vouchMs / 2));
      if (answer.node_name !== name) return;
      onAnswer(name, askedAtMs, answer.silent_ms);
      const { term, leader_address: leader, silent_ms } = answer;
      const heardAtMs = askedAtMs - silent_ms;
      if (leader === "") this.#relays.delete(name);
      else this.#relays.set(name, { relay: { peer: name, address, leader }, term, atMs: askedAtMs, heardAtMs });
    } catch {
      // It cannot be reached: it says nothing.
      this.#relays.delete(name);
    } finally {
      this.#underWay.delete(name);
    }
  }
}
