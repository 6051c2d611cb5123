import type { DeviceId, JobId, NodeName } from "../../../base/ids.ts";
import type { Allocation } from "./allocation.ts";
import type { IdleClock } from "./idle.ts";
import { type ClaimedShare, WHOLE_DEVICE } from "./job.ts";
import type { KnownMemberships } from "./membership.ts";

/** A device as its agent describes it; `index` is for people only. */
export interface Device {
  readonly id: DeviceId;
  readonly model: string;
  readonly memoryMb: number;
  readonly index: number;
  readonly pciBusId: string;
  readonly numaNode?: number;
  /** Devices of the same number reach each other over NVLink. */
  readonly island?: number;
  /** The temperature at which the device begins to slow itself down. */
  readonly slowdownC?: number;
}

/** What a node has and is, as its agent told with its last Hello. */
export interface Inventory {
  readonly devices: readonly Device[];
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly executor: "docker" | "process";
  readonly deviceSource: string;
  readonly deviceSourceReason: string;
  readonly driverVersion: string;
  readonly agentVersion: string;
  /** Where the ranks of a gang reach this node. */
  readonly address: string;
  readonly gpuGrant: string;
  readonly gpuGrantReason: string;
  /** Whether jobs may have a part of a device here. */
  readonly allowsSharing?: boolean;
  /** Where they may: what holds them to their part, if anything does. */
  readonly gpuSharing?: "mps" | "accounted";
  /** Where other agents reach this node's; absent where they cannot. */
  readonly peerAddress?: string;
  /** What a person should know of the host, or mend; absent where there is nothing. */
  readonly findings?: readonly HostFinding[];
  /** Below which of its host's paths jobs may have volumes; absent where they may have none. */
  readonly volumePrefixes?: readonly VolumePrefix[];
}

/** A path of a node's host: jobs may read what is there and below, and write it only if that is said. */
export interface VolumePrefix {
  readonly path: string;
  readonly writable: boolean;
}

/** What the agent has found about its host. */
export interface HostFinding {
  readonly check: string;
  readonly severity: "warning" | "error";
  readonly message: string;
  readonly cure: string;
}

/** A moment's reading of a device. */
export interface DeviceReading {
  readonly id: DeviceId;
  readonly utilizationPercent?: number;
  readonly memoryUsedMb?: number;
  readonly temperatureC?: number;
  readonly powerW?: number;
  /** It is slowing itself down because of heat. */
  readonly isThrottling?: boolean;
}

/** What is stored of a node. */
export interface NodeRecord {
  readonly name: NodeName;
  /** Tells two hosts of one name apart. */
  readonly agentId: string;
  readonly bootId: string;
  /** The highest number of a Hello of this agent. */
  readonly helloNumber?: number;
  readonly registeredAt: number;
  /** Present while an operator wants no new jobs there. */
  readonly cordon?: Cordon;
  readonly inventory: Inventory;
  /** The last time that an operator said that its host was off. */
  readonly confirmedDead?: ConfirmedDead | undefined;
  /** Absent for one that was never sent any. */
  readonly memberships?: KnownMemberships;
}

/** An operator's word that the node takes no new jobs. */
export interface Cordon {
  readonly at: number;
  readonly by: string;
  readonly reason: string;
  /** Present while the node is drained: when what still runs there has to leave. */
  readonly drainUntil?: number;
}

/** An operator's word, kept for whoever asks later. */
export interface ConfirmedDead {
  readonly at: number;
  readonly by: string;
  readonly reason: string;
}

/**
 * How the node is heard.
 *
 * ```text
 * online ──(silent)──► unreachable ──(silent for long)──► lost
 *    ▲─────────────────────┴────────(hello)────────────────┘
 * ```
 */
export type Reach = "online" | "unreachable" | "lost";

/** An attempt that holds a device, or a share of it in thousandths. */
export interface Holder {
  readonly jobId: JobId;
  readonly attempt: number;
  readonly milli: number;
}

/** What will be free on a node as its work ends, each entry with all before it. In the order of time. */
export interface Departures {
  readonly version: number;
  readonly steps: readonly {
    readonly at: number;
    readonly cpuCores: number;
    readonly memoryMb: number;
    /** As {@link Node.room}. */
    readonly room: readonly number[];
  }[];
}

/** What a node was like when it was last looked at: see `Likenesses`. */
export interface Likeness {
  /** The node's {@link Node.roomVersion}. */
  readonly version: number;
  readonly inventory: Inventory;
  /** The number of what the node has, whatever of it is free. */
  readonly traits: number;
  readonly number: number;
}

/** Of the members of a membership too few are heard. `needed` is 0 when nobody knows any more who its members are. */
export interface HeldRequeues {
  readonly version: number;
  readonly heard: number;
  readonly needed: number;
  readonly members: number;
}

/** The record with that cordon, or with none. */
export function withCordon({ cordon: _, ...record }: NodeRecord, cordon: Cordon | undefined): NodeRecord {
  return cordon ? { ...record, cordon } : record;
}

/** A node as the core sees it: the record, what is heard of it, and what is held on it (derived). */
export interface Node {
  /** Its number in the cluster; set when it joins. */
  ordinal: number;
  /** Grows with every change that may matter to where jobs fit. */
  version: number;
  /** Grows with those that are not only of when its work will end. */
  roomVersion: number;
  record: NodeRecord;
  reach: Reach;
  /** The stream it speaks on; undefined while it has none. */
  session: number | undefined;
  lastHeardAt: number;
  /** The newest time at which this leader sent something that the node is known to have heard. */
  echoedAt: number;
  /** Since when there has been no gap in that. */
  heardSince: number;
  /** Whether its agent has reached a peer when it last tried, as it says. */
  reachesPeers: boolean | undefined;
  /** Why the jobs of a lost node are not requeued yet; undefined when nothing is held. */
  requeuesHeld: HeldRequeues | undefined;
  /** Whether its silence has an entry among the deadlines. */
  isWatched: boolean;
  executorReady: boolean;
  executorMessage: string;
  telemetry: readonly DeviceReading[];
  /** What of each device can be given out, in thousandths, in the order of the inventory; worked out at every change. */
  room: readonly number[];
  /** When work ends here, and what is free by then; worked out when it is asked for. */
  departures: Departures | undefined;
  /** Which other nodes are like it; worked out when it is asked for. */
  likeness: Likeness | undefined;
  /** Devices that slow themselves down for heat: not given out. */
  throttling: ReadonlySet<DeviceId>;
  /** Devices that are near to it: taken last. */
  hot: ReadonlySet<DeviceId>;
  /** Held devices that are idle, where that matters to their jobs' tenants; never stored. */
  readonly idle: Map<DeviceId, IdleClock>;
  /** Devices held by allocations of the ledger. */
  readonly held: Map<DeviceId, readonly Holder[]>;
  /** The allocations here that have not ended, by job: at most one each. */
  readonly jobs: Map<JobId, Allocation>;
  /** What is kept here for queued jobs while others leave: nobody else is given it. */
  readonly claims: Map<JobId, ClaimedShare>;
  cpuCoresUsed: number;
  memoryMbUsed: number;
  /** Allocations that run here though the ledger does not want them, by name, until the agent says that they are gone. */
  readonly leftovers: Map<string, readonly DeviceId[]>;
}

/** A node of which nothing has been heard yet in this term. */
export function silentNode(record: NodeRecord, at: number): Node {
  return {
    ordinal: -1,
    version: 0,
    roomVersion: 0,
    record,
    reach: "unreachable",
    session: undefined,
    lastHeardAt: at,
    echoedAt: Number.NEGATIVE_INFINITY,
    heardSince: Number.POSITIVE_INFINITY,
    reachesPeers: undefined,
    requeuesHeld: undefined,
    isWatched: false,
    executorReady: false,
    executorMessage: "nothing has been heard of it yet",
    telemetry: [],
    room: [],
    departures: undefined,
    likeness: undefined,
    throttling: new Set(),
    hot: new Set(),
    idle: new Map(),
    held: new Map(),
    jobs: new Map(),
    claims: new Map(),
    cpuCoresUsed: 0,
    memoryMbUsed: 0,
    leftovers: new Map(),
  };
}

/**
 * Works {@link Node.room} out anew: nothing of a device that a leftover is on, or that slows itself down. Below zero while
 * those who must leave a device still hold what is kept of it for another.
 */
export function measureRoom(node: Node): void {
  const blocked = node.leftovers.size === 0 ? NONE : new Set([...node.leftovers.values()].flat());
  node.room = node.record.inventory.devices.map(({ id }) => {
    if (blocked.has(id) || node.throttling.has(id)) return 0;
    const holders = node.held.get(id);
    const free = holders ? WHOLE_DEVICE - milliOf(holders) : WHOLE_DEVICE;
    return node.claims.size === 0 ? free : free - claimedMilli(node, id);
  });
}

/** What all of them hold together, in thousandths of a device. */
export function milliOf(holders: readonly Holder[]): number {
  let sum = 0;
  for (const { milli } of holders) sum += milli;
  return sum;
}

/** What of the device is kept for jobs that wait for others to leave, in thousandths. */
export function claimedMilli(node: Node, device: DeviceId): number {
  let sum = 0;
  for (const { devices, milli = WHOLE_DEVICE } of node.claims.values()) if (devices.includes(device)) sum += milli;
  return sum;
}

/** The node's cores and memory that are neither used nor kept for anybody; may be below zero, as {@link measureRoom} is. */
export function freeHost(node: Node): { readonly cpuCores: number; readonly memoryMb: number } {
  const { inventory } = node.record;
  let cpuCores = inventory.cpuCores - node.cpuCoresUsed;
  let memoryMb = inventory.memoryMb - node.memoryMbUsed;
  for (const claimed of node.claims.values()) {
    cpuCores -= claimed.cpuCores;
    memoryMb -= claimed.memoryMb;
  }
  return { cpuCores, memoryMb };
}

const NONE: ReadonlySet<DeviceId> = new Set();

/** How many of the node's devices are wholly free. */
export function freeDevices(node: Node): number {
  return node.room.filter((milli) => milli === WHOLE_DEVICE).length;
}
