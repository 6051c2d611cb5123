import type { DeviceId, NodeName } from "../../../base/ids.ts";

/** How one rank of an attempt ended. */
export type AllocationEnd =
  /** Its process ended. `exitCode` is undefined where it could not be learnt. */
  | {
      readonly kind: "exited";
      readonly exitCode?: number;
      readonly signal?: number;
      readonly outOfMemory: boolean;
      readonly message: string;
    }
  /** It can never start as asked. */
  | { readonly kind: "bad-request"; readonly message: string }
  /** The node could not start it, or lost it. */
  | {
      readonly kind: "node";
      readonly message: string;
      /** Those of its devices that broke while it ran, and are why it failed. */
      readonly failedDevices?: readonly DeviceId[];
    }
  /** The node is given up, or gave it up: it will run elsewhere. */
  | { readonly kind: "fenced"; readonly message: string };

/**
 * What the controller knows of one rank.
 *
 * ```text
 * assigned ──► running ──► ended
 *     └──────────────────────▲
 * ```
 */
export type RankState =
  | { readonly phase: "assigned" }
  | { readonly phase: "running"; readonly startedAt: number }
  | { readonly phase: "ended"; readonly startedAt?: number; readonly endedAt: number; readonly end: AllocationEnd };

/** An attempt's share on one node. Its devices are held until the rank has ended. */
export interface Allocation {
  readonly rank: number;
  readonly node: NodeName;
  readonly devices: readonly DeviceId[];
  /** The share of its one device, in thousandths; absent is all of each. */
  readonly milli?: number;
  readonly cpuCores: number;
  readonly memoryMb: number;
  /** What counts against the tenant's GPU memory: as asked, else all of the devices' memory. */
  readonly gpuMemoryMb: number;
  /**
   * Whether the attempt moves elsewhere when its node is lost. Decided once, at placement: the agent fences itself by the
   * same word.
   */
  readonly movesWhenLost: boolean;
  readonly state: RankState;
}

/** Whether the rank's devices are still held. */
export function isHeld(allocation: Allocation): boolean {
  return allocation.state.phase !== "ended";
}
