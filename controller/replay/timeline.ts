import { Fragmentation } from "./fragmentation.ts";
import { maxMinShares } from "./max-min.ts";
import { type CapacityStep, isTriedAgain, type JobRecord, type RunRecord } from "./record.ts";
import { milliOf } from "./workload.ts";

/** Figures of the cluster over time, from the first submission to the last end. */
export interface TimelineMetrics {
  /** From the first submission to the last end. */
  readonly spanMs: number;
  /** The most that there were. */
  readonly capacityGpus: number;
  /** GPU time held over GPU time there was, in percent. */
  readonly utilisationPercent: number;
  /** The part of the span in which a job with GPUs waited, in percent. */
  readonly queuedTimePercent: number;
  /** Held GPUs while a job with GPUs waited, in percent of all. */
  readonly allocatedWhileQueuedPercent: number;
  /** Free GPUs while a job with GPUs waited, on average. */
  readonly unallocatedWhileQueuedGpus: number;
  /** Of the free GPUs while a job waited, those that a job like the others could not use ({@link Fragmentation}), in percent. */
  readonly fragmentedPercent: number;
  /**
   * How far tenants stayed behind their fair share, in percent. At each moment a tenant's demand is what he holds and what
   * his waiting jobs ask, and his fair share is the max-min fair division of the cluster's GPUs among these demands. What he
   * holds less than that is his shortfall. Shortfalls, summed over tenants and over the time in which anything waits, are
   * divided by the sum of the fair shares over the same time.
   *
   * So 0 means that whoever had work always held his share, whatever the reason; GPUs that are free because no waiting job fits
   * on them count as shortfall too, so that a scheduler cannot be fair by leaving GPUs idle.
   */
  readonly unfairPercent: number;
}

/** What changes at a moment: what a tenant holds and what his jobs wait for, in thousandths of a GPU. */
interface Change {
  readonly at: number;
  readonly tenant: string;
  readonly held: number;
  readonly queued: number;
  readonly shares: JobRecord["attempts"][number]["shares"];
  /** By how much the free part of each of the shares' devices changes. */
  readonly perDevice: number;
}

interface TenantLoad {
  held: number;
  queued: number;
}

/** Integrates over the run. Jobs that never started wait until its end. */
export function timelineOf(run: RunRecord): TimelineMetrics {
  const jobs = run.jobs.filter((record) => record.refusal === undefined && milliOf(record.job) > 0);
  const times = jobs.flatMap((record) => timesOf(record, run.endMs));
  const startMs = times.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY);
  const endMs = times.reduce((most, at) => Math.max(most, at), 0);
  const sweep = new Sweep(run);
  for (const change of jobs.flatMap((record) => changesOf(record, endMs)).sort((a, b) => a.at - b.at)) {
    sweep.moveTo(Math.min(change.at, endMs));
    sweep.apply(change);
  }
  sweep.moveTo(endMs);
  return jobs.length === 0 ? sweep.result(0, 0) : sweep.result(startMs, endMs);
}

/** When a job came, and when it is last known to have run or waited. */
function timesOf({ job, attempts, droppedMs }: JobRecord, runEndMs?: number): readonly number[] {
  const ends = attempts.map(({ startMs, endMs }) => endMs ?? runEndMs ?? startMs);
  const isWaiting = attempts.length === 0 ? droppedMs === undefined : isTriedAgain(attempts.at(-1)?.ended);
  return [job.submitMs, ...ends, ...(isWaiting && runEndMs !== undefined ? [runEndMs] : [])];
}

/** GPUs there were, the first step from the beginning on. */
function capacityOf({ nodes, capacity }: RunRecord): readonly CapacityStep[] {
  return capacity ?? [{ atMs: 0, gpus: nodes.reduce((sum, { gpus }) => sum + gpus, 0) }];
}

function changesOf({ job, attempts, droppedMs }: JobRecord, endMs: number): Change[] {
  const milli = milliOf(job);
  const perDevice = job.spec.gpuMilli ?? 1_000;
  const change = (at: number, held: number, queued: number, index: number): Change => {
    const shares = attempts[index]?.shares ?? [];
    return { at, tenant: job.tenant, held: held * milli, queued: queued * milli, shares, perDevice: -held * perDevice };
  };
  const changes = [change(job.submitMs, 0, 1, -1)];
  for (const [index, attempt] of attempts.entries()) {
    changes.push(change(attempt.startMs, 1, -1, index));
    if (attempt.endMs !== undefined)
      changes.push(change(attempt.endMs, -1, isTriedAgain(attempt.ended) ? 1 : 0, index));
  }
  if (attempts.length === 0) changes.push(change(droppedMs ?? endMs, 0, -1, -1));
  return changes;
}

/** The state of the cluster at a moment, and what was added up on the way there, in thousandths of a GPU times milliseconds. */
class Sweep {
  readonly #steps: readonly CapacityStep[];
  readonly #fragmentation: Fragmentation;
  readonly #loads = new Map<string, TenantLoad>();
  #now = 0;
  #held = 0;
  #queued = 0;
  #heldTime = 0;
  #queuedMs = 0;
  #heldWhileQueued = 0;
  #fragmentedWhileQueued = 0;
  #capacityWhileQueued = 0;
  #share = 0;
  #shortfall = 0;
  #step = 0;

  constructor(run: RunRecord) {
    const { nodes, jobs } = run;
    this.#steps = capacityOf(run);
    this.#fragmentation = new Fragmentation(
      nodes,
      jobs.map(({ job }) => job),
    );
  }

  /** Goes on to the time, by way of every change of the capacity before it. */
  moveTo(at: number): void {
    for (let next = this.#steps[this.#step + 1]; next && next.atMs < at; next = this.#steps[this.#step + 1]) {
      this.#passTo(next.atMs);
      this.#step += 1;
    }
    this.#passTo(at);
  }

  get #capacity(): number {
    return (this.#steps[this.#step]?.gpus ?? 0) * 1_000;
  }

  #passTo(at: number): void {
    const ms = at - this.#now;
    this.#now = at;
    if (ms <= 0) return;
    this.#heldTime += this.#held * ms;
    if (this.#queued === 0) return;
    this.#queuedMs += ms;
    this.#capacityWhileQueued += this.#capacity * ms;
    this.#heldWhileQueued += this.#held * ms;
    this.#fragmentedWhileQueued += this.#fragmentation.milli * ms;
    const loads = [...this.#loads.values()];
    const shares = maxMinShares(
      loads.map(({ held, queued }) => held + queued),
      this.#capacity,
    );
    for (const [index, share] of shares.entries()) {
      this.#share += share * ms;
      this.#shortfall += Math.max(0, share - (loads[index]?.held ?? 0)) * ms;
    }
  }

  apply({ tenant, held, queued, shares, perDevice }: Change): void {
    this.#held += held;
    this.#queued += queued;
    for (const { node, devices } of shares) this.#fragmentation.change(node, devices, perDevice);
    const load = this.#loads.get(tenant) ?? { held: 0, queued: 0 };
    load.held += held;
    load.queued += queued;
    if (load.held === 0 && load.queued === 0) this.#loads.delete(tenant);
    else this.#loads.set(tenant, load);
  }

  result(startMs: number, endMs: number): TimelineMetrics {
    const spanMs = endMs - startMs;
    const free = this.#capacityWhileQueued - this.#heldWhileQueued;
    return {
      spanMs,
      capacityGpus: Math.max(0, ...this.#steps.map(({ gpus }) => gpus)),
      utilisationPercent: percent(this.#heldTime, this.#capacityTime(startMs, endMs)),
      queuedTimePercent: percent(this.#queuedMs, spanMs),
      allocatedWhileQueuedPercent: percent(this.#heldWhileQueued, this.#capacityWhileQueued),
      unallocatedWhileQueuedGpus: this.#queuedMs === 0 ? 0 : free / this.#queuedMs / 1_000,
      fragmentedPercent: percent(this.#fragmentedWhileQueued, free),
      unfairPercent: percent(this.#shortfall, this.#share),
    };
  }

  #capacityTime(startMs: number, endMs: number): number {
    return this.#steps.reduce((sum, { atMs, gpus }, index) => {
      const from = Math.max(startMs, index === 0 ? 0 : atMs);
      const until = Math.min(endMs, this.#steps[index + 1]?.atMs ?? endMs);
      return sum + Math.max(0, until - from) * gpus * 1_000;
    }, 0);
  }
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100;
}
