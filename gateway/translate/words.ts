/** Words and times as REST writes them. */
import { formatTimestamp } from "../../base/time.ts";

/** `JOB_STATE_RUNNING` → `running`; null for what this version cannot know. */
export function word(prefix: string, value: string | undefined): string | null {
  if (value === undefined || value === `${prefix}_UNSPECIFIED`) return null;
  return value.slice(prefix.length + 1).toLowerCase();
}

export function timestamp(atMs: number | undefined): string | null {
  return atMs === undefined ? null : formatTimestamp(atMs);
}
