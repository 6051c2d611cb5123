import type { DeviceId, JobId, NodeName } from "../../../base/ids.ts";

/** A device as its agent describes it; `index` is for people only. */
export interface Device {
  readonly id: DeviceId;
  readonly model: string;
  readonly memoryMb: number;
  readonly index: number;
  readonly pciBusId: string;
  readonly numaNode?: number;
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
}

/** A moment's reading of a device. */
export interface DeviceReading {
  readonly id: DeviceId;
  readonly utilizationPercent?: number;
  readonly memoryUsedMb?: number;
  readonly temperatureC?: number;
  readonly powerW?: number;
}

/** What is stored of a node. */
export interface NodeRecord {
  readonly name: NodeName;
  /** Tells two hosts of one name apart. */
  readonly agentId: string;
  readonly bootId: string;
  readonly registeredAt: number;
  readonly cordoned: boolean;
  readonly inventory: Inventory;
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

/** The attempt that holds a device. */
export interface Holder {
  readonly jobId: JobId;
  readonly attempt: number;
}

/** A node as the core sees it: the record, what is heard of it, and what is held on it (derived). */
export interface Node {
  record: NodeRecord;
  reach: Reach;
  /** The stream it speaks on; undefined while it has none. */
  session: number | undefined;
  lastHeardAt: number;
  /** Whether its silence has an entry among the deadlines. */
  isWatched: boolean;
  executorReady: boolean;
  executorMessage: string;
  telemetry: readonly DeviceReading[];
  /** Devices held by allocations of the ledger. */
  readonly held: Map<DeviceId, Holder>;
  /** Jobs with an allocation here that has not ended. */
  readonly jobs: Set<JobId>;
  cpuCoresUsed: number;
  memoryMbUsed: number;
  /** Allocations that run here though the ledger does not want them, by name, until the agent says that they are gone. */
  readonly leftovers: Map<string, readonly DeviceId[]>;
}

/** A node of which nothing has been heard yet in this term. */
export function silentNode(record: NodeRecord, at: number): Node {
  return {
    record,
    reach: "unreachable",
    session: undefined,
    lastHeardAt: at,
    isWatched: false,
    executorReady: false,
    executorMessage: "nothing has been heard of it yet",
    telemetry: [],
    held: new Map(),
    jobs: new Set(),
    cpuCoresUsed: 0,
    memoryMbUsed: 0,
    leftovers: new Map(),
  };
}

/** Whether the device is free: held by no job and by no leftover. */
export function isFree(node: Node, device: DeviceId): boolean {
  if (node.held.has(device)) return false;
  for (const devices of node.leftovers.values()) if (devices.includes(device)) return false;
  return true;
}
