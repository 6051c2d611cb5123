import { LateStarts } from "../../../controller/core/late-start.ts";
import { Outlook } from "../../../controller/core/outlook.ts";
import { atOnce } from "../../../controller/core/slices.ts";
import type { Job } from "../../../controller/core/model/job.ts";
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
    const outlook = new Outlook(cluster.state, cluster.at);
    atOnce(lateStarts.look(cluster.state, cluster.at, () => outlook));
    const waiting = waitingAs(cluster, job);
    if (waiting) asked.set(job, tell(cluster, lateStarts, waiting, outlook));
  }
  const { jobs: records } = cluster.run(jobs.slice(next));
  return { asked, starts: new Map(records.map(({ job, attempts }) => [job, attempts[0]?.startMs])) };
}

function waitingAs(cluster: VirtualCluster, { name }: ReplayJob): Job | undefined {
  const id = cluster.idOf(name);
  const job = id && cluster.state.job(id);
  return job?.phase === "queued" || job?.phase === "held" ? job : undefined;
}

function tell({ at, now: atMs }: VirtualCluster, lateStarts: LateStarts, job: Job, outlook: Outlook): Told {
  const { at: expected } = atOnce(outlook.startOf(job.id));
  const by = atOnce(lateStarts.startsBy(job, outlook));
  const after = (time: number | undefined) => (time === undefined ? undefined : time - at);
  return { atMs, expectedMs: after(expected), byMs: after(by) };
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100;
}
