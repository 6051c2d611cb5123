import type { AllocationKey } from "../../base/ids.ts";
import type { AllocationEnd, AllocationState, FoundAllocation, LaunchSpec } from "../executor/executor.ts";

/** What the agent must not forget: kept on disk, so that a restarted agent obeys no leader that it would have refused. */
export interface Memory {
  /** The cluster that this node works for; empty before its first Welcome. */
  readonly clusterId: string;
  /** The highest term that was seen. */
  readonly highestTerm: number;
  /** How far the cluster's store had come when a leader told of it last; absent before. */
  readonly revision?: number;
  /** As the last leader granted it; 0 is no lease: nothing is ever fenced. */
  readonly leaseMs: number;
  /** From when the lease counts, on the clock of that boot; it may have begun up to an eighth of it later. Absent before the first. */
  readonly leaseFrom?: LeaseStart;
  /** By whom the agent goes when it hears no leader; absent is nobody. */
  readonly membership?: Membership;
  /** How often the agent has been started: Hellos of a later life have higher numbers. */
  readonly life?: number;
  /** Allocations that the agent itself ends or has ended, by name, until they are released; absent is none. */
  readonly fenced?: readonly string[];
  /** Those that it ends for what happened to them on this node, and why: by name, until they are released; absent is none. */
  readonly givenUp?: Readonly<Record<string, string>>;
}

/** Times of the host's clock in that boot. */
export interface LeaseStart {
  readonly bootId: string;
  readonly atMs: number;
  /** Since when it has had the word of a majority of its peers that no leader is heard; absent for never. */
  readonly vouchedFromMs?: number;
}

/** A version of the list of agents that can reach each other, as a leader issued it: docs/reliability.md tells what it is for. */
export interface Membership {
  readonly version: number;
  /** Nobody: there is the lease alone. */
  readonly members: readonly { readonly name: string; readonly address: string }[];
  /** So long after the last message of a leader, an agent hears none. */
  readonly hearingMs: number;
  /** How long the word of an agent counts, from the sending of the question. */
  readonly vouchMs: number;
  /** Within how long after that what ran by it must be gone. */
  readonly stopMs: number;
}

/** A leader's order. All of them may be repeated without harm. */
export type Command =
  | { readonly kind: "launch"; readonly spec: LaunchSpec }
  | { readonly kind: "stop"; readonly key: AllocationKey; readonly graceMs: number; readonly reason: string }
  | { readonly kind: "release"; readonly key: AllocationKey };

/** Everything that can happen to an agent. `atMs` is the host's clock since its boot: it goes on while the agent is away. */
export type Input =
  /** The first input: a life of the agent begins. */
  | { readonly kind: "begun"; readonly atMs: number }
  /** The second: what the executor found on the host. */
  | {
      readonly kind: "recovered";
      readonly atMs: number;
      /** The wall clock at that moment, by which ends are told. */
      readonly wallMs: number;
      readonly found: readonly FoundAllocation[];
    }
  /** A Welcome, which answers the Hello sent at `helloSentAtMs`. */
  | { readonly kind: "connected"; readonly atMs: number; readonly helloSentAtMs: number; readonly welcome: Welcome }
  | { readonly kind: "disconnected"; readonly atMs: number }
  | { readonly kind: "command"; readonly atMs: number; readonly term: number; readonly command: Command }
  | {
      readonly kind: "allocation-changed";
      readonly atMs: number;
      readonly key: AllocationKey;
      readonly state: AllocationState;
    }
  /** What the executor has that the agent did not know of: the leader is told. */
  | {
      readonly kind: "discovered";
      readonly atMs: number;
      readonly wallMs: number;
      readonly found: readonly FoundAllocation[];
    }
  /** The node cannot do for it what it was started for: it ends as the node's doing, for that reason. */
  | { readonly kind: "give-up"; readonly atMs: number; readonly key: AllocationKey; readonly why: string }
  /** The executor has carried out a release, or failed to. */
  | { readonly kind: "released"; readonly atMs: number; readonly key: AllocationKey; readonly done: boolean }
  | { readonly kind: "heartbeat-sent"; readonly atMs: number; readonly sequence: number }
  | { readonly kind: "heartbeat-acked"; readonly atMs: number; readonly sequence: number; readonly revision?: number }
  | { readonly kind: "membership"; readonly atMs: number; readonly membership: Membership }
  /** A peer that was asked then has heard no leader for so long, by its own clock. */
  | {
      readonly kind: "peer-answered";
      readonly atMs: number;
      readonly peer: string;
      readonly askedAtMs: number;
      readonly silentMs: number;
    }
  /** The leader knows of a Hello of this node with this number, which is not lower. */
  | { readonly kind: "hello-refused"; readonly atMs: number; readonly highestHello: number }
  /** The memory of a `persist` effect is on disk. */
  | { readonly kind: "persisted"; readonly atMs: number; readonly memory: Memory }
  | { readonly kind: "tick"; readonly atMs: number };

/** A leader has taken this agent in. The lease counts from the sending of what it answers. */
export interface Welcome {
  readonly clusterId: string;
  readonly term: number;
  readonly leaseMs: number;
  readonly revision?: number;
}

/** What the shell must do, in this order. */
export type Effect =
  | { readonly kind: "launch"; readonly spec: LaunchSpec }
  | { readonly kind: "stop"; readonly key: AllocationKey; readonly graceMs: number; readonly reason: string }
  /** Answered by a `released` input. */
  | { readonly kind: "release"; readonly key: AllocationKey }
  | { readonly kind: "report"; readonly report: Report }
  /** Answered by a `persisted` input once it is durable; tried until it is. */
  | { readonly kind: "persist"; readonly memory: Memory }
  | { readonly kind: "refuse-command"; readonly term: number; readonly command: Command; readonly why: string }
  /** This leader is not ours: leave its stream. */
  | { readonly kind: "refuse-leader"; readonly why: string };

/** As the executor tells it; the time is missing where the agent itself refused to begin. */
export type ReportedState =
  | AllocationState
  | {
      readonly phase: "ended";
      readonly startedAtMs: undefined;
      readonly endedAtMs: undefined;
      readonly end: AllocationEnd;
    };

/** What a leader is told of an allocation. */
export interface Report {
  readonly key: AllocationKey;
  readonly deviceIds: readonly string[];
  readonly state: ReportedState;
  /** It was asked to stop and has not ended. */
  readonly stopping: boolean;
}
