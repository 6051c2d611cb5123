import type { Policy } from "../core/model/policy.ts";
import { type JobMetrics, metricsOf } from "../replay/metrics.ts";
import type { RunRecord } from "../replay/record.ts";
import { VirtualCluster } from "../replay/virtual-cluster.ts";
import { type Rerun, rerunOf } from "./rerun.ts";
import type { Certainty } from "./run-truth.ts";
import type { Workload } from "./workload.ts";

/** Some jobs under one policy, or as they were recorded. */
export interface DiffFigures extends JobMetrics {
  /** Of the GPU time that there was, what these jobs held, in percent. */
  readonly utilisationPercent: number;
}

/** One column: what a policy makes of the workload, or what was recorded of it. */
export interface DiffColumn {
  readonly name: string;
  readonly total: DiffFigures;
  /** By tenant's id. */
  readonly tenants: ReadonlyMap<string, DiffFigures>;
}

/** What policies make of one workload. */
export interface PolicyDiff {
  readonly beginsAt: number;
  readonly endsAt: number;
  /** Names by id. */
  readonly tenants: ReadonlyMap<string, string>;
  /** What was recorded first, then the policies in the order asked for. */
  readonly columns: readonly [DiffColumn, ...DiffColumn[]];
  /** How the running time of each job is known. */
  readonly certainty: ReadonlyMap<string, Certainty>;
  readonly jobsFromBefore: number;
  /** See {@link Workload.differsFromLine}. */
  readonly differsFromLine: number | undefined;
}

/** The name of the column of what was recorded. */
export const RECORDED = "recorded";

/** Runs the workload again under each policy. */
export function policyDiff(workload: Workload, policies: readonly Policy[]): PolicyDiff {
  const rerun = rerunOf(workload);
  const runs = policies.map((policy) => ({ policy, record: rerunUnder(rerun, policy) }));
  // The nodes come and go in the same way whatever the policy is.
  const nodes = runs[0]?.record ?? rerunUnder(rerun, workload.settings.policy);
  const recorded: RunRecord = { ...nodes, jobs: rerun.recorded, endMs: workload.endsAt - workload.beginsAt };
  return {
    beginsAt: workload.beginsAt,
    endsAt: workload.endsAt,
    tenants: new Map(workload.tenants.map(({ tenant }) => [tenant.id, tenant.name])),
    columns: [columnOf(RECORDED, recorded), ...runs.map(({ policy, record }) => columnOf(policy.name, record))],
    certainty: rerun.certainty,
    differsFromLine: workload.differsFromLine,
    jobsFromBefore: workload.submissions.filter(({ isEarlier }) => isEarlier).length,
  };
}

/** What becomes of every job under the policy. */
export function rerunUnder({ events, jobs }: Rerun, policy: Policy): RunRecord {
  return new VirtualCluster({ nodes: [], tenants: [], events, policy }).run(jobs);
}

function columnOf(name: string, record: RunRecord): DiffColumn {
  const { all, byTenant, timeline } = metricsOf(record);
  const { utilisationPercent } = timeline;
  const part = (metrics: JobMetrics): DiffFigures => {
    const share = all.gpuHours === 0 ? 0 : metrics.gpuHours / all.gpuHours;
    return { ...metrics, utilisationPercent: utilisationPercent * share };
  };
  const tenants = new Map([...byTenant].map(([tenant, metrics]) => [tenant, part(metrics)]));
  return { name, total: { ...all, utilisationPercent }, tenants };
}
