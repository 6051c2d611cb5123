import { assert } from "../../../base/assert.ts";
import { EventHeap } from "../../../controller/replay/event-heap.ts";
import { type AttemptRecord, type JobRecord, newRecord, type RunRecord } from "../../../controller/replay/record.ts";
import type { ReplayJob } from "../../../controller/replay/workload.ts";
import { Random } from "../../../test/support/random.ts";
import { type Choice, Pool, type Shape } from "./pool.ts";

/** A job as the simple simulators see it. Times in milliseconds. */
export interface SimJob {
  readonly record: JobRecord;
  readonly shape: Shape;
  readonly gpus: number;
  /** For how long it runs in all: its true duration, at most its limit. */
  readonly runMs: number;
  /** What its user said; the true duration where he said nothing. */
  readonly requestedMs: number;
  /** For how long it has run in attempts that were stopped: nothing of it is lost. */
  doneMs: number;
}

/** A job that runs. */
export interface SimRun {
  readonly job: SimJob;
  readonly startMs: number;
  readonly nodes: readonly number[];
  readonly attempt: AttemptRecord;
  isStopped: boolean;
}

/** Starts what may start now. */
export type QueuePolicy = (simulator: QueueSimulator) => void;

/**
 * Queues on whole GPUs, as simply as can be: written apart from the production core, so that one can be
 * checked by the other. Cores, memory and models are not looked at.
 */
export class QueueSimulator {
  readonly pool: Pool;
  /** Oldest first. */
  readonly queue: SimJob[] = [];
  readonly running = new Set<SimRun>();
  /** GPUs that each tenant holds. */
  readonly held = new Map<string, number>();
  now = 0;
  readonly #nodes: RunRecord["nodes"];
  readonly #ends = new EventHeap<SimRun>();

  constructor(nodes: RunRecord["nodes"], choice: Choice, seed = 1) {
    this.#nodes = nodes;
    this.pool = new Pool(nodes, choice, new Random(seed));
  }

  /** Replays jobs, which come in the order of their submission. */
  run(jobs: readonly ReplayJob[], policy: QueuePolicy): RunRecord {
    const records = jobs.map(newRecord);
    let next = 0;
    for (;;) {
      const at = Math.min(records[next]?.job.submitMs ?? Number.POSITIVE_INFINITY, this.#ends.nextAt);
      if (at === Number.POSITIVE_INFINITY) break;
      this.now = at;
      for (let run = this.#ends.takeDue(at); run; run = this.#ends.takeDue(at))
        if (!run.isStopped) this.#close(run, "over");
      for (let record = records[next]; record && record.job.submitMs <= at; record = records[next]) {
        this.queue.push(simJob(record));
        next += 1;
      }
      policy(this);
    }
    return { nodes: this.#nodes, jobs: records };
  }

  /** Starts the job there. The policy takes it out of the queue itself. */
  start(job: SimJob, nodes: readonly number[]): SimRun {
    const shares = this.pool.take(nodes, job.shape.gpusPerNode);
    const attempt: AttemptRecord = { startMs: this.now, shares, endMs: undefined, keptMs: 0, ended: undefined };
    const run: SimRun = { job, startMs: this.now, nodes, attempt, isStopped: false };
    job.record.attempts.push(attempt);
    this.running.add(run);
    this.#ends.add(this.now + job.runMs - job.doneMs, run);
    this.#hold(job, job.gpus);
    return run;
  }

  /** Stops the job, which goes on from there once it is started again. The policy puts it into the queue itself. */
  stop(run: SimRun): void {
    run.isStopped = true;
    run.job.doneMs += this.now - run.startMs;
    this.#close(run, "requeued");
  }

  #close(run: SimRun, ended: "over" | "requeued"): void {
    assert(this.running.delete(run), `job ${run.job.record.job.name} ends twice`);
    run.attempt.endMs = this.now;
    run.attempt.keptMs = this.now - run.startMs;
    run.attempt.ended = ended;
    this.pool.give(run.nodes, run.attempt.shares);
    this.#hold(run.job, -run.job.gpus);
  }

  #hold({ record }: SimJob, gpus: number): void {
    const { tenant } = record.job;
    this.held.set(tenant, (this.held.get(tenant) ?? 0) + gpus);
  }
}

function simJob(record: JobRecord): SimJob {
  const { spec, runMs } = record.job;
  const gpusPerNode = spec.gpusPerNode ?? spec.gpuCount;
  const limitMs = (spec.maxRuntimeMinutes ?? Number.POSITIVE_INFINITY) * 60_000;
  return {
    record,
    shape: { gpusPerNode, nodes: spec.gpusPerNode ? spec.gpuCount / gpusPerNode : 1 },
    gpus: spec.gpuCount,
    runMs: Math.min(runMs, limitMs),
    requestedMs: Number.isFinite(limitMs) ? limitMs : runMs,
    doneMs: 0,
  };
}
