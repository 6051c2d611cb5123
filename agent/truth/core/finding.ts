import type { AllocationKey } from "../../../base/ids.ts";
import type { Occupant, ProcessId } from "../../executor/executor.ts";

/** What can be wrong with what is on a device, the worst first. */
export const FINDING_KINDS = ["orphan", "wrong-job", "foreign", "lost-inside", "idle"] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** What a device is used for, all things together. */
export type Use = "free" | "in-use" | FindingKind;

/** Something that was found. One that is found again has the same id. */
export interface Finding {
  readonly id: string;
  readonly kind: FindingKind;
  /** The devices that it concerns; none for an orphan without any. */
  readonly deviceIds: readonly string[];
  /** What was found: the end of a sentence. */
  readonly text: string;
  /** What is left of an attempt that is over, or that the agent does not know. */
  readonly unit?: Occupant;
  /** The agent does not know its attempt: only the leader can say whether it is wanted. */
  readonly isUnclaimed?: boolean;
  /** Of the unit, those that have a device. */
  readonly processes?: readonly ProcessId[];
  /** The job that has lost its device, or does not use it. */
  readonly key?: AllocationKey;
}

/** `job-17 (attempt 2)` */
export function jobText({ jobId, attempt }: AllocationKey): string {
  return `${jobId} (attempt ${attempt})`;
}
