/** The story that is kept of a job has no gaps: attempts go up by one, time goes forward, and the end is the end. */
import type { FinalJob } from "./final-job.ts";

/** Events that are kept; of a job with more, the oldest are gone. */
const MAX_EVENTS = 50;
const ENDS: readonly string[] = ["completed", "failed", "cancelled"];

export function findGaps(jobs: readonly FinalJob[]): string[] {
  return jobs.flatMap((job) => {
    const problem = gapIn(job);
    return problem === undefined ? [] : [`${job.job_id} (${job.name}): ${problem}: ${JSON.stringify(job.history)}`];
  });
}

function gapIn({ history, attempt, state, phase }: FinalJob): string | undefined {
  if (phase !== "finished") return `it has not ended, it is ${phase}`;
  const isWhole = history.length < MAX_EVENTS;
  if (isWhole && history[0]?.kind !== "submitted") return "its story does not begin with its submission";
  if (history.some(({ at }, index) => index > 0 && Date.parse(at) < Date.parse(history[index - 1]?.at ?? ""))) {
    return "its story goes back in time";
  }
  const attempts = history.flatMap(({ kind, message }) => (kind === "placed" ? [numberIn(message)] : []));
  const first = isWhole ? 1 : (attempts[0] ?? 1);
  if (attempts.some((number, index) => number !== first + index)) return `its attempts are ${attempts.join(", ")}`;
  if (attempts.length > 0 && attempts.at(-1) !== attempt) return `its attempt is ${attempt}`;
  const ends = history.filter(({ kind }) => ENDS.includes(kind));
  if (ends.length !== 1 || history.at(-1)?.kind !== state) return `it is ${state}`;
  return undefined;
}

function numberIn(message: string): number {
  return Number(/^attempt (\d+):/.exec(message)?.[1]);
}
