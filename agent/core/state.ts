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
  /** The kernel's boot id: of which boot the clock is. */
  readonly bootId: string;
  /** When this life of the agent began. */
  readonly startedAtMs: number;
  /** From when the lease counts: the sending of the last message that a leader answered. */
  leaseFromMs: number;
  /** When heartbeats that wait for their acknowledgement were sent, by sequence, oldest first. */
  readonly heartbeats: Map<number, number>;
}

/**
 * How an agent begins, with what its journal remembers. The lease goes on from where it was: an agent that is restarted while
 * no leader answers must not outlive it. After a boot nothing of before runs.
 */
export function createAgentState(memory: Memory, atMs: number, bootId = ""): AgentState {
  const { leaseFrom } = memory;
  return {
    allocations: new Map(),
    durable: memory,
    memory,
    waiting: [],
    bootId,
    startedAtMs: atMs,
    leaseFromMs: leaseFrom?.bootId === bootId ? begunBefore(leaseFrom.atMs, atMs, memory.leaseMs) : atMs,
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
