import { forecastOf } from "../../../controller/core/forecast.ts";
import { DEFAULT_POLICY, type Policy } from "../../../controller/core/model/policy.ts";
import { distributionOf } from "../../../controller/replay/metrics.ts";
import { VirtualCluster } from "../../../controller/replay/virtual-cluster.ts";
import type { ReplayJob } from "../../../controller/replay/workload.ts";
import type { QueueScenario } from "../compare.ts";
import type { ScenarioResult } from "../result.ts";
import { tenantsOf } from "../workload.ts";

/** Forecasts in one run: each looks at the whole queue. */
const MAX_FORECASTS = 400;

/** How long a job has waited since it was told when it would start, in milliseconds: as foretold, and really. */
interface Answer {
  readonly toldMs: number | undefined;
  readonly realMs: number;
}

/**
 * How often a job starts no later than it was told when it was submitted, by the quantile of past running times that a
 * plan is made with. Only jobs that do not start at once are asked about.
 */
export function* measureForecasts(scenario: QueueScenario): Generator<ScenarioResult> {
  for (const predictionQuantile of [0.5, 0.7, 0.9]) {
    const startMs = performance.now();
    const answers = ask(scenario, { ...DEFAULT_POLICY, predictionQuantile });
    const figures = figuresOf(answers);
    const tookS = (performance.now() - startMs) / 1_000;
    yield { scenario: `forecast ${scenario.name}`, policy: `quantile ${predictionQuantile}`, tookS, figures };
  }
}

function figuresOf(answers: readonly Answer[]): Readonly<Record<string, number>> {
  const told = answers.flatMap(({ toldMs, realMs }) => (toldMs === undefined ? [] : [{ toldMs, realMs }]));
  const kept = told.filter(({ toldMs, realMs }) => realMs <= toldMs);
  const tooLong = distributionOf(told.map(({ toldMs, realMs }) => (toldMs - realMs) / 1_000));
  return {
    asked: answers.length,
    "told %": percent(told.length, answers.length),
    "coverage %": percent(kept.length, told.length),
    "real wait s": distributionOf(told.map(({ realMs }) => realMs / 1_000)).mean,
    "told wait s": distributionOf(told.map(({ toldMs }) => toldMs / 1_000)).mean,
    "too long p50 s": tooLong.p50,
    "too long p90 s": tooLong.p90,
  };
}

function ask({ nodes, jobs }: QueueScenario, policy: Policy): readonly Answer[] {
  const cluster = new VirtualCluster({ nodes, tenants: tenantsOf(jobs), policy });
  const every = Math.max(1, Math.floor(jobs.length / MAX_FORECASTS));
  const told = new Map<ReplayJob, { readonly atMs: number; readonly startMs: number | undefined }>();
  let next = 0;
  for (let index = every - 1; index < jobs.length; index += every) {
    const job = jobs[index];
    if (!job || index < next) continue;
    let last = index + 1;
    while (jobs[last]?.submitMs === job.submitMs) last += 1;
    cluster.run(jobs.slice(next, last), job.submitMs);
    next = last;
    if (waits(cluster, job)) told.set(job, { atMs: cluster.now, startMs: foretell(cluster, job) });
  }
  const starts = cluster.run(jobs.slice(next)).jobs.map(({ job, attempts }) => [job, attempts[0]?.startMs] as const);
  return starts.flatMap(([job, realMs]): Answer[] => {
    const answer = told.get(job);
    if (!answer || realMs === undefined) return [];
    const { atMs, startMs } = answer;
    return [{ toldMs: startMs === undefined ? undefined : startMs - atMs, realMs: realMs - atMs }];
  });
}

function waits(cluster: VirtualCluster, job: ReplayJob): boolean {
  const id = cluster.idOf(job.name);
  const phase = id && cluster.state.job(id).phase;
  return phase === "queued" || phase === "held";
}

/** When the job will start, in milliseconds since the start of the replay; undefined if it cannot be told. */
function foretell(cluster: VirtualCluster, job: ReplayJob): number | undefined {
  const id = cluster.idOf(job.name);
  if (id === undefined) return undefined;
  const forecast = forecastOf(cluster.state, cluster.at);
  forecast.run(({ starts }) => starts.has(id));
  const startsAt = forecast.starts.get(id);
  return startsAt === undefined ? undefined : startsAt - cluster.at + cluster.now;
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100;
}
