import type { JobIn } from "../../model/job.ts";
import type { State } from "../../model/state.ts";
import type { Output } from "../../output.ts";
import { stopJob } from "../../transition.ts";

/** Has a job make room, at no fault of its own: it queues again at once, unless it is to be cancelled then. */
export function leave(
  state: State,
  out: Output,
  job: JobIn<"starting" | "running">,
  message: string,
  at: number,
): void {
  const isWanted = state.spec(job.id).onPreempt !== "cancel";
  const verdict = isWanted
    ? ({ kind: "preempt", message, delayMs: 0 } as const)
    : ({ kind: "preempted", message } as const);
  stopJob(state, out, job, verdict, at);
  state.onPreempted?.(job.id);
}
