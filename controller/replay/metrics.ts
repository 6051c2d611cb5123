import type { AttemptRecord, JobRecord, RunRecord } from "./record.ts";
import { type TimelineMetrics, timelineOf } from "./timeline.ts";
import { milliOf } from "./workload.ts";

/** Below this run time, in seconds, a job's slowdown is not counted against its own length (Feitelson et al., JSSPP 1997). */
const SLOWDOWN_BOUND_S = 10;

/** Values in seconds. Percentiles are nearest rank. */
export interface Distribution {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Figures of some jobs. Jobs that never started are counted, and are in no time. */
export interface JobMetrics {
  readonly submitted: number;
  readonly started: number;
  readonly unstarted: number;
  readonly refused: number;
  /** From submission to the first start. */
  readonly waitS: Distribution;
  /** From being preempted to starting again, for each time that it happened. */
  readonly requeueWaitS: Distribution;
  /** From submission to the end. */
  readonly completionS: Distribution;
  /** From submission to the end, without the running that lasted: the wait, with all that being preempted cost. */
  readonly delayS: Distribution;
  /** Completion time over run time, where both count as at least 10 s, and the whole as at least 1; on average. */
  readonly boundedSlowdown: number;
  readonly gpuHours: number;
  readonly preemptions: number;
  /** GPU time whose work was lost to preemption, in hours. */
  readonly lostGpuHours: number;
}

/** Size classes by the GPUs a job asks for. */
export const SIZE_CLASSES = ["0", "<1", "1", "2-7", "8-15", "16-31", "32+"] as const;
/** One of {@link SIZE_CLASSES}. */
export type SizeClass = (typeof SIZE_CLASSES)[number];

/** All figures of a run. */
export interface RunMetrics {
  readonly all: JobMetrics;
  readonly byTenant: ReadonlyMap<string, JobMetrics>;
  readonly bySize: ReadonlyMap<SizeClass, JobMetrics>;
  readonly timeline: TimelineMetrics;
}

/** Works out the figures of a run. */
export function metricsOf(run: RunRecord): RunMetrics {
  const byTenant = Map.groupBy(run.jobs, ({ job }) => job.tenant);
  const bySize = Map.groupBy(run.jobs, ({ job }) => sizeClassOf(milliOf(job)));
  return {
    all: jobMetricsOf(run.jobs, run.endMs),
    byTenant: new Map([...byTenant].map(([tenant, jobs]) => [tenant, jobMetricsOf(jobs, run.endMs)])),
    bySize: new Map(
      SIZE_CLASSES.filter((size) => bySize.has(size)).map((size) => [
        size,
        jobMetricsOf(bySize.get(size) ?? [], run.endMs),
      ]),
    ),
    timeline: timelineOf(run),
  };
}

function sizeClassOf(milli: number): SizeClass {
  if (milli === 0) return "0";
  if (milli < 1_000) return "<1";
  if (milli < 2_000) return "1";
  if (milli < 8_000) return "2-7";
  if (milli < 16_000) return "8-15";
  return milli < 32_000 ? "16-31" : "32+";
}

/** Works out the figures of some jobs of a run. What still ran when it ended has held its GPUs until then. */
export function jobMetricsOf(records: readonly JobRecord[], runEndMs?: number): JobMetrics {
  const started = records.filter(({ attempts }) => attempts.length > 0);
  const refused = records.filter(({ refusal }) => refusal !== undefined).length;
  const ended = started.filter(({ attempts }) => attempts.at(-1)?.ended === "over");
  const slowdowns = ended.map(slowdownOf);
  const preempted = started.flatMap(({ job, attempts }) =>
    attempts
      .filter((attempt) => attempt.ended === "requeued" || attempt.ended === "cut-off")
      .map((attempt) => ({ job, attempt })),
  );
  return {
    submitted: records.length,
    started: started.length,
    unstarted: records.length - started.length - refused,
    refused,
    waitS: distributionOf(started.map(({ job, attempts }) => ((attempts[0]?.startMs ?? 0) - job.submitMs) / 1_000)),
    requeueWaitS: distributionOf(started.flatMap(requeueWaitsOf)),
    completionS: distributionOf(ended.map((record) => completionMsOf(record) / 1_000)),
    delayS: distributionOf(ended.map((record) => (completionMsOf(record) - keptMsOf(record)) / 1_000)),
    boundedSlowdown: slowdowns.reduce((sum, value) => sum + value, 0) / Math.max(1, slowdowns.length),
    gpuHours: sumHours(
      started.flatMap(({ job, attempts }) => attempts.map((a) => milliOf(job) * lengthMsOf(a, runEndMs))),
    ),
    preemptions: preempted.length,
    lostGpuHours: sumHours(preempted.map(({ job, attempt: a }) => milliOf(job) * (lengthMsOf(a) - a.keptMs))),
  };
}

/** Mean and nearest-rank percentiles; zeros when there is nothing. */
export function distributionOf(values: readonly number[]): Distribution {
  const sorted = Float64Array.from(values).sort();
  const rank = (part: number) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
  const mean = sorted.reduce((sum, value) => sum + value, 0) / Math.max(1, sorted.length);
  return { count: sorted.length, mean, p50: rank(0.5), p90: rank(0.9), p99: rank(0.99), max: rank(1) };
}

function completionMsOf({ job, attempts }: JobRecord): number {
  return (attempts.at(-1)?.endMs ?? job.submitMs) - job.submitMs;
}

/** What an uninterrupted run would have taken. */
function keptMsOf({ attempts }: JobRecord): number {
  return attempts.reduce((sum, attempt) => sum + attempt.keptMs, 0);
}

function slowdownOf(record: JobRecord): number {
  const runS = keptMsOf(record) / 1_000;
  return Math.max(1, completionMsOf(record) / 1_000 / Math.max(runS, SLOWDOWN_BOUND_S));
}

function requeueWaitsOf({ attempts }: JobRecord): number[] {
  return attempts.slice(1).map((attempt, index) => (attempt.startMs - (attempts[index]?.endMs ?? 0)) / 1_000);
}

function lengthMsOf({ startMs, endMs }: AttemptRecord, runEndMs?: number): number {
  return (endMs ?? runEndMs ?? startMs) - startMs;
}

/** Thousandths of a GPU times milliseconds, to GPU hours. */
function sumHours(milliMs: readonly number[]): number {
  return milliMs.reduce((sum, value) => sum + value, 0) / 1_000 / 3_600_000;
}
