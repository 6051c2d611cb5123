/** How a job is said to have ended is how it ended. */
import type { Submission } from "../workload/submission.ts";
import type { Operation } from "../workload/operation.ts";
import type { FinalJob } from "./final-job.ts";
import type { Run } from "./runs.ts";

/** What an engine says of a container that ended while it was itself restarted, when it has lost the true exit code. */
const LOST_BY_ENGINE = 255;

export interface Evidence {
  readonly submissions: readonly Pick<Submission, "name" | "exitCode" | "isContainer">[];
  readonly operations: readonly Operation[];
  readonly runs: readonly Run[];
}

export function findFalseOutcomes(jobs: readonly FinalJob[], evidence: Evidence): string[] {
  const submissions = new Map(evidence.submissions.map((submission) => [submission.name, submission]));
  const cancels = evidence.operations.filter(({ request, told }) => request === "cancel" && told.kind !== "refused");
  const cancelled = new Set(cancels.map(({ job }) => job));
  const runs = Map.groupBy(evidence.runs, ({ jobId }) => jobId);
  return jobs.flatMap((job) => {
    const own = runs.get(job.job_id) ?? [];
    const problem = falsehoodIn(job, own, submissions.get(job.name), cancelled.has(job.name));
    const told = { state: job.state, exit_code: job.exit_code, attempt: job.attempt, message: job.message };
    return problem === undefined
      ? []
      : [`${job.job_id} (${job.name}): ${problem}: ${JSON.stringify(told)}, and its runs were ${JSON.stringify(own)}`];
  });
}

function falsehoodIn(
  job: FinalJob,
  runs: readonly Run[],
  submission: Evidence["submissions"][number] | undefined,
  wasCancelled: boolean,
): string | undefined {
  const exitCode = submission?.exitCode;
  if (runs.some(({ attempt }) => attempt > job.attempt)) return "an attempt ran that it does not know of";
  if (job.state === "cancelled") return wasCancelled ? undefined : "nobody has cancelled it";
  if (submission?.isContainer && job.state === "failed" && job.exit_code === LOST_BY_ENGINE) return undefined;
  if (job.state !== (exitCode === 0 ? "completed" : "failed")) return `it was to exit with ${exitCode}`;
  const last = runs.filter(({ attempt }) => attempt === job.attempt);
  // One that ended while nobody could look at its engine was never seen.
  const isSeen = submission?.isContainer || last.some((run) => run.exitCode === exitCode);
  return job.exit_code === exitCode && isSeen ? undefined : `its last attempt did not exit with ${exitCode}`;
}
