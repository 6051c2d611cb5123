import type { Job } from "../model/job.ts";

/** The order of the queue: effective priority, then asked priority, then submission (ids grow with time). */
export function compareQueued(a: Job, b: Job): number {
  if (a.effectivePriority !== b.effectivePriority) return b.effectivePriority - a.effectivePriority;
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}
