import type { AllocationEnd, LaunchSpec } from "../../agent/executor/executor.ts";

/** A container as its host has it: what really runs, whatever anybody believes. */
export interface Container {
  readonly name: string;
  readonly spec: LaunchSpec;
  /** In true time; undefined for one that was created and never started. */
  readonly startedAtMs: number | undefined;
  /** It runs until then. */
  endedAtMs: number | undefined;
  end: AllocationEnd | undefined;
  /** It was asked to end. */
  isStopping: boolean;
}
