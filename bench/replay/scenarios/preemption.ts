/** What it brings, and what it costs, that jobs of higher priority have others make room for them. */
import { HOUR_MS, MINUTE_MS } from "../../../base/time.ts";
import { DEFAULT_POLICY, POLICIES, type Policy } from "../../../controller/core/model/policy.ts";
import type { RunRecord } from "../../../controller/replay/record.ts";
import { VirtualCluster } from "../../../controller/replay/virtual-cluster.ts";
import type { ReplayJob } from "../../../controller/replay/workload.ts";
import { measure, type QueueScenario } from "../compare.ts";
import type { Policies } from "../policies.ts";
import type { ScenarioResult } from "../result.ts";
import { tenantsOf } from "../workload.ts";
import { ShareKeeper } from "./share-keeper.ts";

/** Whether jobs make room for others, and how often they save their work. */
interface Mode {
  readonly name: string;
  readonly canPreemptOthers: boolean;
  readonly checkpointEveryMs?: number;
}

const MODES: readonly Mode[] = [
  { name: "no preemption", canPreemptOthers: false },
  { name: "no checkpoints", canPreemptOthers: true },
  { name: "hourly checkpoints", canPreemptOthers: true, checkpointEveryMs: HOUR_MS },
];

/** What jobs ask for that have others make room for them, and what the others ask for. */
const PRIORITY = { first: 1_000, other: 100 } as const;

/** Up to here a job counts as short. */
const SHORT_MS = 4 * HOUR_MS;

/**
 * Every tenant asks for priority for as many jobs as fit in an equal part of the pool: those find room at once, at the cost of
 * who has more than his part.
 */
export function preemptWithinShares(scenario: QueueScenario, policies: Policies): Generator<ScenarioResult> {
  return underModes(
    { ...scenario, name: `${scenario.name}, priority within equal shares` },
    policies,
    (mode, policy) => {
      const cluster = clusterOf(scenario, mode, policy);
      const keeper = new ShareKeeper(cluster, scenario);
      for (const [submitMs, jobs] of Map.groupBy(scenario.jobs, (job) => job.submitMs)) {
        if (submitMs > cluster.now) cluster.run([], submitMs);
        cluster.run(
          jobs.map((job) => asked(job, keeper.isWithinShare(job), mode)),
          submitMs,
        );
      }
      return cluster.run([]);
    },
  );
}

/** Users know which of their jobs are short, say so by a limit, and ask for priority for them. */
export function preemptForShort(scenario: QueueScenario, policies: Policies): Generator<ScenarioResult> {
  const name = `${scenario.name}, priority for jobs of up to ${SHORT_MS / HOUR_MS} h`;
  const limit = { maxRuntimeMinutes: SHORT_MS / MINUTE_MS };
  return underModes({ ...scenario, name }, policies, (mode, policy) => {
    const jobs = scenario.jobs.map((job) => {
      const isShort = job.runMs <= SHORT_MS;
      return asked(isShort ? { ...job, spec: { ...job.spec, ...limit } } : job, isShort, mode);
    });
    return clusterOf(scenario, mode, policy).run(jobs);
  });
}

/** The default policy and the user's own: under the others it takes long, and says no more. */
function* underModes(
  scenario: QueueScenario,
  { core, isWanted }: Policies,
  run: (mode: Mode, policy: Policy) => RunRecord,
): Generator<ScenarioResult> {
  for (const [name, policy] of core) {
    if (name !== DEFAULT_POLICY.name && Object.hasOwn(POLICIES, name)) continue;
    for (const mode of MODES) {
      const row = `core: ${name}, ${mode.name}`;
      if (isWanted(row)) yield measure(scenario, row, () => run(mode, policy));
    }
  }
}

function clusterOf({ nodes, jobs }: QueueScenario, { canPreemptOthers }: Mode, policy: Policy): VirtualCluster {
  const tenants = tenantsOf(jobs).map((tenant) => ({ ...tenant, canPreemptOthers }));
  return new VirtualCluster({ nodes, tenants, policy });
}

function asked(job: ReplayJob, isFirst: boolean, { checkpointEveryMs }: Mode): ReplayJob {
  const priority = isFirst ? PRIORITY.first : PRIORITY.other;
  return {
    ...job,
    ...(checkpointEveryMs !== undefined && { checkpointEveryMs }),
    spec: { ...job.spec, priority },
  };
}
