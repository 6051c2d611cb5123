/** Everything that is looked at when all faults are over. */
import { readNotes } from "../workload/job-script.ts";
import type { Workload } from "../workload/clients.ts";
import type { Cluster } from "../world/cluster.ts";
import type { FinalJob } from "./final-job.ts";
import { findGaps } from "./history.ts";
import { findUnlinearizable } from "./job-register.ts";
import { findLost } from "./lost.ts";
import { findFalseOutcomes } from "./outcomes.ts";
import { findOverlaps } from "./overlap.ts";
import { findExcesses } from "./quota.ts";
import { runsOf } from "./runs.ts";

export interface Verdict {
  /** What is wrong, each with the records that show it. */
  readonly violations: readonly string[];
  /** How much was looked at. */
  readonly looked: Readonly<Record<string, number>>;
}

export function check(
  cluster: Cluster,
  workload: Workload,
  jobs: readonly FinalJob[],
  notesDirectory: string,
): Verdict {
  const { submissions, operations, tenants } = workload;
  const notes = readNotes(notesDirectory);
  const runs = runsOf(notes);
  const tenantOf = new Map(jobs.map(({ job_id, spec }) => [job_id, String(spec["tenant_id"])]));
  const unlinearizable = findUnlinearizable(operations);
  // 137 and the like are signals, which nobody here has sent; what else ends by itself says why in its log.
  const surprises = cluster.surprises.map((one) => `${one.name} ended by itself with ${one.signal ?? one.code}`);
  const violations = [
    ...findLost(submissions, jobs),
    ...findOverlaps(notes),
    ...findExcesses(runs, tenants, (id) => tenantOf.get(id)),
    ...findFalseOutcomes(jobs, { submissions, operations, runs }),
    ...findGaps(jobs),
    ...unlinearizable.map(({ job, history }) => `${job}: what its clients were told cannot be: ${lines(history)}`),
    ...surprises,
  ];
  const acknowledged = submissions.filter(({ id }) => id !== undefined).length;
  const again = jobs.filter(({ attempt }) => attempt > 1).length;
  const looked = { operations: operations.length, acknowledged, jobs: jobs.length, runs: runs.length, again };
  return { violations, looked };
}

function lines(records: readonly object[]): string {
  return records.map((record) => `\n    ${JSON.stringify(record)}`).join("");
}
