import { type AllocationKey, allocationName } from "../../base/ids.ts";
import type { Command, Memory, Report, ReportedState } from "./input.ts";

/** One allocation that this node knows, from its launch or its discovery until its release is carried out. */
export interface KnownAllocation {
  readonly key: AllocationKey;
  readonly deviceIds: readonly string[];
  /** The share of the one device, in thousandths; absent is all of each. */
  readonly gpuMilli?: number | undefined;
  readonly graceMs: number;
  readonly requeueOnNodeLost: boolean;
  state: ReportedState;
  stopping: boolean;
  /** The agent itself is ending it because its lease runs out: since when, by the shell's clock. */
  fencedAtMs: number | undefined;
  /** And has said so to the executor. */
  fenceIsTold: boolean;
  /** The agent ends it for what happened to it on this node: why, and whether the executor has been told. */
  givenUp?: { readonly why: string; readonly atMs: number; isTold: boolean } | undefined;
  /** Undefined until a leader asked for it. */
  release: { retryAtMs: number | undefined } | undefined;
}

/** All that the core knows; changed in place by `step` alone. */
export interface AgentState {
  /** By allocation name. */
  readonly allocations: Map<string, KnownAllocation>;
  /** What is on disk. */
  durable: Memory;
  /** What has been seen; differs from `durable` while it is being written. */
  memory: Memory;
  /** Commands of a term that is not yet on disk, in order. */
  waiting: { readonly term: number; readonly command: Command }[];
  /** The node's name: what it is called as a member. */
  readonly nodeName: string;
  /** The kernel's boot id: of which boot the clock is. */
  readonly bootId: string;
  /** When this life of the agent began. */
  readonly startedAtMs: number;
  /** From when the lease counts: the sending of the last message that a leader answered. */
  leaseFromMs: number;
  /** When a leader was heard last, itself or by way of a peer; at the earliest when this life began. */
  leaderHeardAtMs: number;
  /** When peers were asked that have answered, since a leader was heard, that they hear none. */
  readonly vouches: Map<string, number>;
  /** The oldest of the vouches that make a majority with all that are newer: jobs live on by it when the lease is over. */
  vouchedFromMs: number | undefined;
  /** When heartbeats that wait for their acknowledgement were sent, by sequence, oldest first. */
  readonly heartbeats: Map<number, number>;
}

/**
 * How an agent begins, with what its journal remembers. The lease goes on from where it was: an agent that is restarted while
 * no leader answers must not outlive it. After a boot nothing of before runs.
 */
export function createAgentState(memory: Memory, atMs: number, host = { nodeName: "", bootId: "" }): AgentState {
  const { bootId } = host;
  const leaseFrom = memory.leaseFrom?.bootId === bootId ? memory.leaseFrom : undefined;
  return {
    allocations: new Map(),
    durable: memory,
    memory,
    waiting: [],
    ...host,
    startedAtMs: atMs,
    leaseFromMs: leaseFrom ? begunBefore(leaseFrom.atMs, atMs, memory.leaseMs) : atMs,
    leaderHeardAtMs: atMs,
    vouches: new Map(),
    vouchedFromMs: (leaseFrom?.vouchedFromMs ?? atMs) < atMs ? leaseFrom?.vouchedFromMs : undefined,
    heartbeats: new Map(),
  };
}

/** A clock that shows less than it did tells nothing: the lease is then over. */
function begunBefore(leaseFromMs: number, atMs: number, leaseMs: number): number {
  return leaseFromMs <= atMs ? leaseFromMs : atMs - leaseMs;
}

/** The allocation of that key, unless it was never heard of or is released. */
export function knownAllocation(state: AgentState, key: AllocationKey): KnownAllocation | undefined {
  return state.allocations.get(allocationName(key));
}

/** What a Hello tells: every allocation, ended ones included until they are released. */
export function allReports(state: AgentState): Report[] {
  return [...state.allocations.values()].map(reportOf);
}

/** The allocation as a leader is told of it. */
export function reportOf(allocation: KnownAllocation): Report {
  const { key, deviceIds, state } = allocation;
  return { key, deviceIds, state, stopping: allocation.stopping && state.phase !== "ended" };
}
