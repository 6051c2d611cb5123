import { estimateWaitMs } from "../../../controller/core/forecast.ts";
import { LateStarts } from "../../../controller/core/late-start.ts";
import type { JobId } from "../../../base/ids.ts";
import { distributionOf } from "../../../controller/replay/metrics.ts";
import { VirtualCluster } from "../../../controller/replay/virtual-cluster.ts";
import type { ReplayJob } from "../../../controller/replay/workload.ts";
import type { QueueScenario } from "../compare.ts";
import type { ScenarioResult } from "../result.ts";
import { tenantsOf } from "../workload.ts";

/** Jobs that are asked about in one run: each forecast looks at the whole queue. */
const MAX_QUESTIONS = 2_000;

/** What a job was told when it came. */
interface Told {
  readonly atMs: number;
  readonly expectedMs: number | undefined;
  readonly byMs: number | undefined;
}

/** How long a job has waited since it was told, in milliseconds: as foretold, and really. */
interface Answer {
  readonly toldMs: number | undefined;
  readonly realMs: number;
}

/**
 * How often a job starts no later than it was told when it was submitted: when it is expected to start, and by when nine in
 * ten will have. Only jobs that do not start at once are asked about.
 */
export function* measureForecasts(scenario: QueueScenario): Generator<ScenarioResult> {
  const startMs = performance.now();
  const { asked, starts } = ask(scenario);
  const tookS = (performance.now() - startMs) / 1_000;
  const rows = { expected: "expectedMs", "nine in ten": "byMs" } as const;
  for (const [policy, which] of Object.entries(rows)) {
    const answers = [...asked].flatMap(([job, told]): Answer[] => {
      const realMs = starts.get(job);
      return realMs === undefined ? [] : [{ toldMs: told[which], realMs: realMs - told.atMs }];
    });
    yield { scenario: `forecast ${scenario.name}`, policy, tookS, figures: figuresOf(answers) };
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

function ask({ nodes, jobs }: QueueScenario) {
  const cluster = new VirtualCluster({ nodes, tenants: tenantsOf(jobs) });
  const lateStarts = new LateStarts();
  const every = Math.max(1, Math.floor(jobs.length / MAX_QUESTIONS));
  const asked = new Map<ReplayJob, Told>();
  let next = 0;
  for (let index = every - 1; index < jobs.length; index += every) {
    const job = jobs[index];
    if (!job || index < next) continue;
    let last = index + 1;
    while (jobs[last]?.submitMs === job.submitMs) last += 1;
    cluster.run(jobs.slice(next, last), job.submitMs);
    next = last;
    lateStarts.look(cluster.state, cluster.at);
    const id = waiting(cluster, job);
    if (id !== undefined) asked.set(job, tell(cluster, lateStarts, id));
  }
  const { jobs: records } = cluster.run(jobs.slice(next));
  return { asked, starts: new Map(records.map(({ job, attempts }) => [job, attempts[0]?.startMs])) };
}

function waiting(cluster: VirtualCluster, job: ReplayJob): JobId | undefined {
  const id = cluster.idOf(job.name);
  const phase = id && cluster.state.job(id).phase;
  return phase === "queued" || phase === "held" ? id : undefined;
}

function tell({ state, at, now: atMs }: VirtualCluster, lateStarts: LateStarts, id: JobId): Told {
  const by = lateStarts.startsBy(state, id, at);
  return { atMs, expectedMs: estimateWaitMs(state, id, at), byMs: by === undefined ? undefined : by - at };
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100;
}
