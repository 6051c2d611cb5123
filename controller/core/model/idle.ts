import type { DeviceId, JobId, NodeName } from "../../../base/ids.ts";

/** A device that its job held and did not use. */
export interface IdleDevice {
  readonly node: NodeName;
  readonly device: DeviceId;
  /** For how long it was below the minimum, in milliseconds. */
  readonly idleMs: number;
  /** In percent. */
  readonly minimum: number;
}

/** How long a device has not been used as much as its job's tenant asks for. */
export interface IdleClock {
  readonly jobId: JobId;
  readonly attempt: number;
  /** What it was below, in percent. */
  readonly minimum: number;
  /** Counted from reading to reading, in milliseconds. */
  idleMs: number;
  /** When the newest reading was below; undefined while the clock stands still. */
  readAt: number | undefined;
  /** What is due of it has an entry among the deadlines, or has been done. */
  stage: IdleStage;
  /** Whether the job's history tells of it. */
  isTold: boolean;
}

/** How far a device has come: not far, for half of the time that it may be idle, for all of it. */
export type IdleStage = "early" | "half" | "over";
