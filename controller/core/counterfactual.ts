import { MINUTE_MS } from "../../base/time.ts";
import { affordableMinutes } from "./budget.ts";
import { Forecast } from "./forecast.ts";
import { demandOf, type JobIn, type JobSpec } from "./model/job.ts";
import type { State } from "./model/state.ts";
import { Output } from "./output.ts";
import { step } from "./step.ts";

/** Forecasts that one question may cost. */
const MAX_FORECASTS = 16;
/** An earlier start that is not worth telling. */
const MIN_GAIN_MS = MINUTE_MS;

/** A change of what a job asks for, with which it would start earlier. */
export interface Counterfactual {
  /** The fields of the spec that would be other; undefined ones would be left out. */
  readonly change: Partial<JobSpec>;
  /** When it would start if it were cancelled now and submitted again with the change. */
  readonly startsAt: number;
}

/**
 * What would let a waiting job start earlier, each found by submitting the changed job to a copy and running the real
 * scheduler forward: what is told comes true if nothing else happens meanwhile. The earliest start first.
 *
 * @param startsAt when it will start as it is; undefined when that cannot be told
 */
export function counterfactuals(
  state: State,
  job: JobIn<"queued" | "held">,
  startsAt: number | undefined,
  at: number,
): readonly Counterfactual[] {
  const spec = state.spec(job.id);
  const found: Counterfactual[] = [];
  let left = MAX_FORECASTS;
  const tryChange = (change: Partial<JobSpec>): boolean => {
    if (left === 0) return false;
    left -= 1;
    const start = startOfChanged(state, job, { ...spec, ...change }, at);
    const isEarlier = start !== undefined && (startsAt === undefined || start <= startsAt - MIN_GAIN_MS);
    if (isEarlier) found.push({ change, startsAt: start });
    return isEarlier;
  };
  for (const change of relaxations(spec)) tryChange(change);
  for (const minutes of shorterLimits(state, job, at)) if (tryChange({ maxRuntimeMinutes: minutes })) break;
  for (const change of smallerSizes(state, spec)) if (tryChange(change)) break;
  return found.sort((a, b) => a.startsAt - b.startsAt);
}

/** When the job would start if it were cancelled and submitted again as this. */
function startOfChanged(state: State, job: JobIn<"queued" | "held">, spec: JobSpec, at: number): number | undefined {
  const forecast = new Forecast(state, at);
  const out = new Output();
  step(forecast.state, { kind: "cancel-job", at, jobId: job.id }, out);
  const answer = step(forecast.state, { kind: "submit-job", at, spec }, out);
  if (!answer || !("jobId" in answer)) return undefined;
  const { jobId } = answer;
  forecast.expect(jobId);
  forecast.run(({ starts }) => starts.has(jobId));
  return forecast.starts.get(jobId);
}

/** Conditions that might be given up, one at a time. */
function relaxations(spec: JobSpec): readonly Partial<JobSpec>[] {
  const changes: Partial<JobSpec>[] = [];
  if (spec.nodeSelector && Object.keys(spec.nodeSelector).length > 0) changes.push({ nodeSelector: {} });
  if (spec.gpuModel !== undefined) changes.push({ gpuModel: undefined });
  if ((spec.gpuMemoryMb ?? 0) > 0) changes.push({ gpuMemoryMb: 0 });
  if (!spec.gang && spec.gpuCount > 1) changes.push({ gang: true });
  if (spec.gpusPerNode !== undefined) changes.push({ gpusPerNode: undefined });
  return changes;
}

/**
 * Limits with which the job would be gone before the room is needed that is kept for others, and not go over its tenant's
 * budget, the longest first.
 */
function shorterLimits(state: State, job: JobIn<"queued" | "held">, at: number): readonly number[] {
  const current = state.spec(job.id).maxRuntimeMinutes ?? Number.POSITIVE_INFINITY;
  const affordable = affordableMinutes(state, job, at) ?? Number.POSITIVE_INFINITY;
  const limits = state.scheduling.reservations.map((reservation) => Math.floor((reservation.at - at) / MINUTE_MS));
  const bounded = [affordable, ...limits.map((minutes) => Math.min(minutes, affordable))];
  const useful = new Set(bounded.filter((minutes) => minutes >= 1 && minutes < current));
  return [...useful].sort((a, b) => b - a).slice(0, 4);
}

/** Fewer GPUs, with their part of cores and memory; or fewer cores and less memory for the same GPUs. */
function smallerSizes(state: State, spec: JobSpec): readonly Partial<JobSpec>[] {
  const { gpus, cpuCores, memoryMb } = demandOf(spec);
  const changes: Partial<JobSpec>[] = [];
  const unit = spec.gpusPerNode ?? 1;
  const half = (count: number) => Math.floor(count / 2 / unit) * unit;
  for (let count = half(gpus); count >= 1; count = half(count)) {
    const part = count / gpus;
    changes.push({
      gpuCount: count,
      ...(spec.cpuCores === undefined ? {} : { cpuCores: Math.max(1, Math.ceil(cpuCores * part)) }),
      ...(spec.memoryMb === undefined ? {} : { memoryMb: Math.max(1, Math.ceil(memoryMb * part)) }),
    });
  }
  const largest = largestHost(state);
  if (cpuCores > 1) changes.push({ cpuCores: Math.min(Math.ceil(cpuCores / 2), largest.cpuCores) });
  if (memoryMb > 1_024) changes.push({ memoryMb: Math.min(Math.ceil(memoryMb / 2), largest.memoryMb) });
  return changes;
}

/** The most cores and the most memory of any node: half of what nobody has may be as much too much. */
function largestHost(state: State): { readonly cpuCores: number; readonly memoryMb: number } {
  const largest = { cpuCores: 1, memoryMb: 1 };
  for (const { record } of state.cluster.nodes) {
    largest.cpuCores = Math.max(largest.cpuCores, record.inventory.cpuCores);
    largest.memoryMb = Math.max(largest.memoryMb, record.inventory.memoryMb);
  }
  return largest;
}
