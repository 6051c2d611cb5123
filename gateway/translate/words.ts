/** Words and times as REST writes them. */
import { formatTimestamp } from "../../base/time.ts";
import type { JobPhase } from "../../proto/generated/gpusched/v1/JobPhase.ts";

/** `JOB_STATE_RUNNING` → `running`; null for what this version cannot know. */
export function word(prefix: string, value: string | undefined): string | null {
  if (value === undefined || value === `${prefix}_UNSPECIFIED`) return null;
  return value.slice(prefix.length + 1).toLowerCase();
}

/** Whether a job of which no wait is told waits: of any other a controller tells that it does not. */
export function mayWait(phase: JobPhase): boolean {
  return phase === "JOB_PHASE_QUEUED" || phase === "JOB_PHASE_HELD" || phase === "JOB_PHASE_STOPPING";
}

export function timestamp(atMs: number | undefined): string | null {
  return atMs === undefined ? null : formatTimestamp(atMs);
}
