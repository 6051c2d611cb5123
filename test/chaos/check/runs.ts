/** What jobs did, made of their notes. */
import type { RunNote } from "../workload/job-script.ts";

/** One rank of one attempt, from its start to the last that is known of it. */
export interface Run extends Omit<RunNote, "event" | "atMs" | "detail"> {
  readonly startMs: number;
  /** It still ran then: its end, or the last sign of life of one that was killed. */
  readonly lastMs: number;
  /** Undefined when it was killed, or still runs. */
  readonly exitCode: number | undefined;
}

export function runsOf(notes: readonly RunNote[]): Run[] {
  const own = notes.filter(({ event }) => event !== "overlap");
  const groups = Map.groupBy(own, ({ jobId, attempt, rank, pid }) => `${jobId} ${attempt} ${rank} ${pid}`);
  return [...groups.values()].flatMap((events) => {
    const [first] = events;
    const end = events.find(({ event }) => event === "end");
    if (!first) return [];
    const { jobId, attempt, rank, node, gpus, pid, atMs: startMs } = first;
    const lastMs = Math.max(...events.map(({ atMs }) => atMs));
    return [{ jobId, attempt, rank, node, gpus, pid, startMs, lastMs, exitCode: end && Number(end.detail) }];
  });
}
