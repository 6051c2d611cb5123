/** What every job of the workload runs: it notes its own start, that it goes on, and its end. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Seconds between two notes that a run goes on. */
const TICK_S = 0.5;

/**
 * A line for each event: what, job, attempt, rank, node, devices, pid, and the seconds of CLOCK_BOOTTIME, which all processes
 * of a host share. While a run lives it holds a lock on a file of its own, which the kernel takes away from it however it ends:
 * whoever starts looks for locks of other runs of its job, which needs no clock.
 */
export const SCRIPT = `
locks="$CHAOS_DIR/locks"
run="$GPUSCHED_JOB_ID.$GPUSCHED_ATTEMPT.\${RANK:-0}"
note() {
  read -r now _ < /proc/uptime
  echo "$1 $GPUSCHED_JOB_ID $GPUSCHED_ATTEMPT \${RANK:-0} $GPUSCHED_NODE_NAME \${CUDA_VISIBLE_DEVICES:--} $$ $now $2" >> "$CHAOS_DIR/runs"
}
exec 9>> "$locks/$run"
flock -n 9 || note overlap "$run"
note start
for other in "$locks/$GPUSCHED_JOB_ID".*; do
  name=\${other##*/}
  case $name in "$GPUSCHED_JOB_ID.$GPUSCHED_ATTEMPT."*) continue ;; esac
  flock -s -n "$other" true || note overlap "$name"
done
trap 'note end 143; exit 143' TERM
ticks=0
while [ "$ticks" -lt "$CHAOS_TICKS" ]; do
  sleep ${TICK_S} 9>&-
  note tick
  ticks=$((ticks + 1))
done
note end "$CHAOS_EXIT"
exit "$CHAOS_EXIT"
`;

/** The same without notes, for containers: they share no file with anybody. */
export const CONTAINER_SCRIPT = `
trap 'exit 143' TERM
ticks=0
while [ "$ticks" -lt "$CHAOS_TICKS" ]; do
  sleep ${TICK_S}
  ticks=$((ticks + 1))
done
exit "$CHAOS_EXIT"
`;

export type RunEvent = "start" | "tick" | "end" | "overlap";

/** A line of what jobs have noted. */
export interface RunNote {
  readonly event: RunEvent;
  readonly jobId: string;
  readonly attempt: number;
  readonly rank: number;
  readonly node: string;
  readonly gpus: readonly string[];
  readonly pid: number;
  readonly atMs: number;
  /** The exit code of an end; the run whose lock was held, of an overlap. */
  readonly detail: string;
}

export function prepareNotes(directory: string): void {
  mkdirSync(join(directory, "locks"), { recursive: true });
  writeFileSync(join(directory, "runs"), "");
}

/** Everything that jobs have noted so far, in the order in which they did. */
export function readNotes(directory: string): RunNote[] {
  return parseNotes(readFileSync(join(directory, "runs"), "utf8"));
}

/** A last line without its end is being written. */
export function parseNotes(text: string): RunNote[] {
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.filter(Boolean).map((line) => {
    const [event = "", jobId = "", attempt, rank, node = "", gpus = "", pid, seconds, detail = ""] = line.split(" ");
    return {
      event: event as RunEvent,
      jobId,
      attempt: Number(attempt),
      rank: Number(rank),
      node,
      gpus: gpus === "-" ? [] : gpus.split(","),
      pid: Number(pid),
      atMs: Math.round(Number(seconds) * 1_000),
      detail,
    };
  });
}
