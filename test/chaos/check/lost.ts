/** Everything that was acknowledged is there as it was asked for, once, and nothing else is. */
import { isDeepStrictEqual } from "node:util";
import type { Submission } from "../workload/submission.ts";
import type { FinalJob } from "./final-job.ts";

export function findLost(
  submissions: readonly Pick<Submission, "name" | "body" | "id">[],
  jobs: readonly FinalJob[],
): string[] {
  const byName = Map.groupBy(jobs, ({ name }) => name);
  const asked = new Set(submissions.map(({ name }) => name));
  const lost = submissions.flatMap(({ name, id, body }) => {
    const found = byName.get(name) ?? [];
    if (found.length > 1) return [`${name} was submitted once and is there ${found.length} times: ${idsOf(found)}`];
    const [job] = found;
    if (id !== undefined && job?.job_id !== id) {
      return [`${name} was acknowledged as ${id}, and ${job ? `is there as ${job.job_id}` : "is lost"}`];
    }
    if (!job || isDeepStrictEqual(job.spec, body)) return [];
    return [`${name} (${job.job_id}) was submitted as ${JSON.stringify(body)}, and is ${JSON.stringify(job.spec)}`];
  });
  const unasked = jobs.filter(({ name }) => !asked.has(name));
  return [...lost, ...unasked.map(({ name, job_id }) => `${job_id} (${name}) was submitted by nobody`)];
}

function idsOf(jobs: readonly FinalJob[]): string {
  return jobs.map(({ job_id }) => job_id).join(", ");
}
