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
import { type Run, runsOf } from "./runs.ts";

export interface Verdict {
  /** What is wrong, each with the records that show it. */
  readonly violations: readonly string[];
  /** How much was looked at. */
  readonly looked: Readonly<Record<string, number>>;
}

export interface Found {
  readonly cluster: Cluster;
  readonly workload: Workload;
  /** Every job, now that all is over. */
  readonly jobs: readonly FinalJob[];
  /** Where jobs have noted what they did. */
  readonly notes: string;
  /** What containers did. */
  readonly containers: readonly Run[];
}

export function check({ cluster, workload, jobs, notes: directory, containers }: Found): Verdict {
  const { submissions, operations, tenants } = workload;
  const notes = readNotes(directory);
  const runs = [...runsOf(notes), ...containers];
  const tenantOf = new Map(jobs.map(({ job_id, spec }) => [job_id, String(spec["tenant_id"])]));
  const unlinearizable = findUnlinearizable(operations);
  const surprises = cluster.surprises.map((one) => `${one.name} ended by itself with ${one.signal ?? one.code}`);
  const violations = [
    ...findLost(submissions, jobs),
    ...findOverlaps(notes, runs),
    ...findExcesses(runs, tenants, (id) => tenantOf.get(id)),
    ...findFalseOutcomes(jobs, { submissions, operations, runs }),
    ...findGaps(jobs),
    ...unlinearizable.map(({ job, history }) => `${job}: what its clients were told cannot be: ${lines(history)}`),
    ...surprises,
  ];
  const acknowledged = submissions.filter(({ id }) => id !== undefined).length;
  const again = jobs.filter(({ attempt }) => attempt > 1).length;
  const looked = {
    operations: operations.length,
    acknowledged,
    jobs: jobs.length,
    runs: runs.length,
    containers: containers.length,
    again,
  };
  return { violations, looked };
}

function lines(records: readonly object[]): string {
  return records.map((record) => `\n    ${JSON.stringify(record)}`).join("");
}
