import { MINUTE_MS } from "../../base/time.ts";
import { affordableMinutes } from "./budget.ts";
import type { JobId } from "../../base/ids.ts";
import type { Forecast } from "./forecast.ts";
import { demandOf, type JobIn, type JobSpec } from "./model/job.ts";
import type { State } from "./model/state.ts";
import type { Outlook } from "./outlook.ts";
import { Output } from "./output.ts";
import type { Slices } from "./slices.ts";
import { findOpening } from "./schedule/reservation.ts";
import { step } from "./step.ts";

/** Forecasts that one question may cost. */
const MAX_FORECASTS = 16;
/** What they may cost together, as a part of what the forecast of the unchanged job may. */
const PART_OF_WORK = 0.5;
/** An earlier start that is not worth telling. */
const MIN_GAIN_MS = MINUTE_MS;

/** A change of what a job asks for, with which it would start earlier. */
export interface Counterfactual {
  /** The fields of the spec that would be other; undefined ones would be left out. */
  readonly change: Partial<JobSpec>;
  /** When it would start if it were cancelled now and submitted again with the change. */
  readonly startsAt: number;
}

/** A waiting job, and what might be changed of it. */
export interface Variation {
  readonly jobId: JobId;
  readonly spec: JobSpec;
  /** Each is tried. */
  readonly relaxations: readonly Partial<JobSpec>[];
  /** Of each of these the first one that helps is enough. */
  readonly alternatives: readonly (readonly Partial<JobSpec>[])[];
}

/** What might be changed of the job as things are. */
export function variationOf(state: State, job: JobIn<"queued" | "held">, at: number): Variation {
  const spec = withOpenDependencies(state.spec(job.id), job);
  const limits = shorterLimits(state, job, at).map((maxRuntimeMinutes) => ({ maxRuntimeMinutes }));
  return { jobId: job.id, spec, relaxations: relaxations(spec), alternatives: [limits, smallerSizes(state, spec)] };
}

/** What was found. */
export interface Counterfactuals {
  /** The earliest start first. */
  readonly found: readonly Counterfactual[];
  /** Whether there were changes that it would have taken too long to try. */
  readonly isCutShort: boolean;
}

/**
 * What would let a waiting job start earlier, each found by submitting the changed job to a copy and running the real
 * scheduler forward: what is told comes true if nothing else happens meanwhile.
 *
 * @param startsAt when it will start as it is; undefined when that cannot be told
 */
export function* counterfactuals(
  outlook: Outlook,
  variation: Variation,
  startsAt: number | undefined,
): Slices<Counterfactuals> {
  const found: Counterfactual[] = [];
  const trials = new Trials(outlook, variation, startsAt);
  function* helps(change: Partial<JobSpec>): Slices<boolean> {
    const start = yield* trials.startWith(change);
    if (start !== undefined) found.push({ change, startsAt: start });
    return start !== undefined;
  }
  for (const change of variation.relaxations) yield* helps(change);
  for (const changes of variation.alternatives) for (const change of changes) if (yield* helps(change)) break;
  return { found: found.sort((a, b) => a.startsAt - b.startsAt), isCutShort: trials.isCutShort };
}

/** Forecasts of changed jobs, as many as one question may cost. */
class Trials {
  readonly #outlook: Outlook;
  readonly #variation: Variation;
  /** A start after this is no gain. */
  readonly #latest: number;
  #forecastsLeft = MAX_FORECASTS;
  #workLeft: number;
  isCutShort = false;

  constructor(outlook: Outlook, variation: Variation, startsAt = Number.POSITIVE_INFINITY) {
    this.#outlook = outlook;
    this.#variation = variation;
    this.#latest = startsAt - MIN_GAIN_MS;
    this.#workLeft = outlook.maxWork * PART_OF_WORK;
  }

  /** When the job would start if it were cancelled and submitted again with the change; undefined when that is no gain. */
  *startWith(change: Partial<JobSpec>): Slices<number | undefined> {
    if (this.#latest < this.#outlook.at || this.#forecastsLeft === 0) return undefined;
    const forecast = this.#workLeft > 0 ? yield* this.#outlook.another() : undefined;
    const jobId = forecast && this.#resubmit(forecast, change);
    if (!forecast) this.isCutShort = true;
    if (!jobId) return undefined;
    this.#forecastsLeft -= 1;
    while (!forecast.isOver && !forecast.starts.has(jobId) && forecast.now <= this.#latest) {
      if (forecast.work > this.#workLeft) this.isCutShort = true;
      if (forecast.work > this.#workLeft) break;
      forecast.step();
      yield;
    }
    this.#workLeft -= forecast.work;
    const start = forecast.starts.get(jobId);
    return start !== undefined && start <= this.#latest ? start : undefined;
  }

  #resubmit(forecast: Forecast, change: Partial<JobSpec>): JobId | undefined {
    const { jobId, spec } = this.#variation;
    const { at } = this.#outlook;
    const out = new Output();
    step(forecast.state, { kind: "cancel-job", at, jobId }, out);
    const answer = step(forecast.state, { kind: "submit-job", at, spec: { ...spec, ...change } }, out);
    if (!answer || !("jobId" in answer)) return undefined;
    forecast.expect(answer.jobId);
    return answer.jobId;
  }
}

/** The spec without what has completed: no copy knows of that any more. */
function withOpenDependencies({ dependsOn: all, ...spec }: JobSpec, job: JobIn<"queued" | "held">): JobSpec {
  const dependsOn = job.phase === "held" && job.hold.kind === "dependencies" ? job.hold.on : [];
  return all === undefined || dependsOn.length === 0 ? spec : { ...spec, dependsOn };
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
  // Now, and when it would first have room if it ran for a minute only.
  const starts = [at, findOpening(state, { job, kind: state.kindOf(job.id), durationMs: MINUTE_MS }, at)?.at ?? at];
  const limits = state.scheduling.reservations.flatMap((reservation) => {
    return starts.map((start) => Math.floor((reservation.at - start) / MINUTE_MS));
  });
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
