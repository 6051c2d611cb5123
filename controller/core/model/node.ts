import type { DeviceId, JobId, NodeName } from "../../../base/ids.ts";
import type { Allocation } from "./allocation.ts";
import type { IdleClock } from "./idle.ts";
import { type ClaimedShare, WHOLE_DEVICE } from "./job.ts";
import type { DeviceCondition, DeviceWord } from "./device-condition.ts";
import type { KnownMemberships } from "./membership.ts";
import { type Withholding, withheldDevices } from "./withheld.ts";

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
  /** Of a slice: the GPU that it is of. */
  readonly parentId?: DeviceId;
  /** Of a slice: the driver's name for its size. */
  readonly migProfile?: string;
  readonly eccEnabled?: boolean;
  readonly powerLimitW?: number;
  readonly maxClockMhz?: number;
}

/** Two devices of a node that reach each other directly, or through a switch. */
export interface DeviceLink {
  readonly a: DeviceId;
  readonly b: DeviceId;
  /** What the driver calls it. */
  readonly kind: string;
  /** 0 if it is not told. */
  readonly lanes: number;
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
  /** The newest that the driver supports; absent if it is not told. */
  readonly cudaVersion?: string;
  readonly links?: readonly DeviceLink[];
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
  readonly memoryUtilizationPercent?: number;
  readonly clockMhz?: number;
  readonly memoryClockMhz?: number;
  /** Since its driver was loaded. */
  readonly energyJ?: number;
  /** How much warmer it may become before it slows itself down. */
  readonly slowdownMarginC?: number;
  /** Errors of its memory since its driver was loaded. */
  readonly eccCorrected?: number;
  readonly eccUncorrected?: number;
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
  /** What operators said of its devices, by their ids; absent while that is nothing. */
  readonly deviceWords?: Readonly<Record<string, DeviceWord>>;
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

/** So many heartbeats in a row a node has to be well that was lost, or could not start jobs, before it is given new ones. */
export const GOOD_BEATS_NEEDED = 3;

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

/** The record with that word on the device, or with none. */
export function withDeviceWord(
  { deviceWords, ...record }: NodeRecord,
  device: DeviceId,
  word: DeviceWord | undefined,
): NodeRecord {
  const { [device]: _, ...others } = deviceWords ?? {};
  const words = word ? { ...others, [device]: word } : others;
  return Object.keys(words).length > 0 ? { ...record, deviceWords: words } : record;
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
  /** Good heartbeats in a row of a node that has to prove itself, as after it was lost; undefined for one that need not. */
  goodBeats: number | undefined;
  telemetry: readonly DeviceReading[];
  /** How its devices are, as its agent told last. */
  conditions: ReadonlyMap<DeviceId, DeviceCondition>;
  /** Devices that are given to nobody, and why; worked out at every change. */
  withheld: ReadonlyMap<DeviceId, Withholding>;
  /** What of each device can be given out, in thousandths, in the order of the inventory; worked out at every change. */
  room: readonly number[];
  /** When work ends here, and what is free by then; worked out when it is asked for. */
  departures: Departures | undefined;
  /** Which other nodes are like it; worked out when it is asked for. */
  likeness: Likeness | undefined;
  /** Devices that slow themselves down for heat. */
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
    goodBeats: undefined,
    telemetry: [],
    conditions: new Map(),
    withheld: new Map(),
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
 * Works {@link Node.withheld} and {@link Node.room} out anew: there is nothing of a device that is withheld. Below zero while those
 * who must leave a device still hold what is kept of it for another.
 */
export function measureRoom(node: Node): void {
  node.withheld = withheldDevices(node);
  node.room = node.record.inventory.devices.map(({ id }) => {
    if (node.withheld.has(id)) return 0;
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

/** How many of the node's devices are wholly free. */
export function freeDevices(node: Node): number {
  return node.room.filter((milli) => milli === WHOLE_DEVICE).length;
}
