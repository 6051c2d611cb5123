/** What a client asks of one job, and what it was told. */

/** A moment of a job, as an answer shows it. */
export interface Seen {
  /** How it ended; undefined while it has not. */
  readonly outcome: Outcome | undefined;
  /** How far it has come: grows with each step and each attempt. Undefined where the answer does not tell. */
  readonly progress: number | undefined;
}

export type Outcome = "completed" | "failed" | "cancelled";

export type Told =
  /** The submission, or the cancellation, is acknowledged. */
  | { readonly kind: "done" }
  | { readonly kind: "seen"; readonly seen: Seen }
  /** There is no such job. */
  | { readonly kind: "absent" }
  /** Too late to cancel it: it has ended otherwise. */
  | { readonly kind: "ended"; readonly outcome: Outcome }
  /** Certainly without effect. */
  | { readonly kind: "refused" }
  /** It may have happened, may happen yet, or never will. */
  | { readonly kind: "unknown" };

export interface Operation {
  readonly client: number;
  /** The job's name: there is no id before the submission is acknowledged. */
  readonly job: string;
  readonly request: "submit" | "cancel" | "read";
  readonly invokedMs: number;
  /** Undefined when there was no answer that tells what happened. */
  readonly returnedMs: number | undefined;
  readonly told: Told;
}

/** The order of phases within an attempt; before the first one only the last two are possible. */
const STEPS = ["starting", "running", "stopping", "held", "queued"];
const OUTCOMES: readonly string[] = ["completed", "failed", "cancelled"] satisfies Outcome[];

/** What the fields of `GET /jobs/{id}`, or of an entry of `GET /jobs`, tell. */
export function seenOf(job: { readonly state: string; readonly phase?: string; readonly attempt?: number }): Seen {
  const outcome = OUTCOMES.includes(job.state) ? (job.state as Outcome) : undefined;
  if (job.phase === undefined || job.attempt === undefined || outcome) return { outcome, progress: undefined };
  return { outcome, progress: job.attempt * STEPS.length + STEPS.indexOf(job.phase) };
}
