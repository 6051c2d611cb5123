import type { JobId } from "../../base/ids.ts";
import { lookAtBudget } from "./budget.ts";
import { startRank } from "./rank.ts";
import { conclude } from "./transition.ts";
import { isHeld } from "./model/allocation.ts";
import type { Job, JobIn } from "./model/job.ts";
import { lookAtWaiting } from "./on/tick.ts";
import type { State } from "./model/state.ts";
import { Output } from "./output.ts";
import { Heap } from "./model/heap.ts";
import { schedule } from "./schedule/pass.ts";
import { expectedEnd } from "./schedule/timeline.ts";
import { atOnce } from "./slices.ts";
import { copyOf, snapshotOf } from "./snapshot.ts";

/** What a pass costs beside the groups that it looks at, and what it costs to start, end or copy a job, in looks at a group. */
const WORK_OF_A_PASS = 20;
const WORK_OF_A_JOB = 10;
/** After so many looks at waiting jobs in vain nothing more is expected of time passing. */
const MAX_IDLE_PASSES = 64;

/** When something in the forecast comes true: a job ends, or may queue. */
interface Due {
  readonly at: number;
  readonly id: JobId;
  /** Of the attempt it was foreseen for. */
  readonly attempt: number;
}

/** When each waiting job will start; missing are those of which it cannot be told. */
export type Starts = ReadonlyMap<JobId, number>;

/**
 * A copy of the state that runs ahead: the real scheduler on the real queue, with every job ending when it is expected to.
 * Nobody hears of it, and the state it was made from does not change.
 */
export class Forecast {
  readonly state: State;
  now: number;
  readonly #due = new Heap<Due>((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  readonly #starts = new Map<JobId, number>();
  readonly #out = new Output();
  /** Passes since anything last happened: a job may be looked at again and again in vain. */
  #idlePasses = 0;
  #hasBegun = false;
  #isOver = false;
  #work: number;

  /** @param copy the forecast's own */
  constructor(copy: State, at: number) {
    this.state = copy;
    this.now = at;
    this.#work = copy.jobs.size * WORK_OF_A_JOB;
    for (const job of this.state.jobs.values()) this.#foresee(job);
  }

  /** Whether nothing more can be told. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What it has cost so far, in looks at a group of waiting jobs: the same on every machine. */
  get work(): number {
    return this.#work;
  }

  get starts(): Starts {
    return this.#starts;
  }

  /** A job that was put into the copy after it was made: its own time is looked at as well. */
  expect(id: JobId): void {
    this.#foresee(this.state.job(id));
  }

  /** Runs until the condition holds, looked at after every pass, or nothing more can be told. */
  run(isDone: (forecast: Forecast) => boolean = () => false): void {
    while (!this.#isOver) {
      this.step();
      if (isDone(this)) return;
    }
  }

  /** On to the next moment at which something happens, and the pass of that moment; the first is the present one. */
  step(): void {
    if (this.#hasBegun) this.#goOn();
    this.#hasBegun = true;
    if (!this.#isOver) this.#pass();
  }

  #goOn(): void {
    const next = this.#nextAt();
    this.#isOver = !Number.isFinite(next);
    if (this.#isOver) return;
    this.now = Math.max(this.now, next);
    while (this.#due.first && this.#due.first.at <= this.now) this.#comeTrue(this.#due.take());
    this.#lookAgain();
  }

  /** When something can happen; infinity when nothing can. */
  #nextAt(): number {
    const dueAt = this.#due.first?.at ?? Number.POSITIVE_INFINITY;
    if (this.#idlePasses > MAX_IDLE_PASSES) return dueAt;
    return Math.min(dueAt, this.state.deadlines.nextAt ?? Number.POSITIVE_INFINITY);
  }

  /** As time passes a held job may queue, and a queued one may have others make room for it, or its tenant's budget again. */
  #lookAgain(): void {
    const { deadlines, jobs } = this.state;
    for (let due = deadlines.takeDue(this.now); due; due = deadlines.takeDue(this.now)) {
      if (due.kind === "budget") lookAtBudget(this.state, due.tenantId);
      const job = due.kind === "job" ? jobs.get(due.jobId) : undefined;
      if (job?.phase !== "queued" && job?.phase !== "held") continue;
      lookAtWaiting(this.state, this.#out, job, this.now);
      if (job.phase === "held") this.#foresee(this.state.job(job.id));
    }
  }

  #pass(): void {
    const { effects } = this.#out;
    effects.length = 0;
    const { state } = this;
    const placed: JobId[] = [];
    state.onPlaced = (id) => placed.push(id);
    const stopped: JobId[] = [];
    state.onPreempted = (id) => stopped.push(id);
    if (state.needsPass) this.#idlePasses += 1;
    this.#work += WORK_OF_A_PASS + (state.needsPass ? state.queue.groupCount : 0);
    for (let done = -1, begun = 0; placed.length + stopped.length > done; ) {
      done = placed.length + stopped.length;
      begun = placed.length;
      schedule(state, this.#out, this.now);
      // Nodes answer at once that what was placed runs, or that a job is being stopped; that batch has a pass of its own.
      for (const id of placed.slice(begun)) this.#begin(id);
    }
    if (placed.length + stopped.length > 0) this.#idlePasses = 0;
    this.#work += (placed.length + stopped.length) * WORK_OF_A_JOB;
    for (const id of stopped) this.#foresee(state.job(id));
    for (const id of placed) {
      if (!this.#starts.has(id)) this.#starts.set(id, this.now);
      this.#foresee(state.job(id));
    }
  }

  #begin(id: JobId): void {
    for (const { rank } of this.state.job(id).allocations) {
      startRank(this.state, this.#out, this.state.job(id), rank, this.now, this.now);
    }
  }

  #foresee(job: Job): void {
    const at = endOf(job, this.now);
    if (at !== undefined) this.#due.add({ at, id: job.id, attempt: job.attempt });
  }

  #comeTrue(due: Due | undefined): void {
    const job = due && this.state.jobs.get(due.id);
    if (!job || job.attempt !== due.attempt) return;
    this.#idlePasses = 0;
    if (job.phase === "starting" || job.phase === "running" || job.phase === "stopping") {
      this.#end(job);
    }
  }

  #end(job: JobIn<"starting" | "running" | "stopping">): void {
    const end = { kind: "exited", exitCode: 0, outOfMemory: false, message: "" } as const;
    const allocations = job.allocations.map((it) =>
      isHeld(it) ? { ...it, state: { phase: "ended" as const, endedAt: this.now, end } } : it,
    );
    const ended: Job = { ...job, allocations };
    this.state.putJob(ended);
    const verdict = job.phase === "stopping" ? job.verdict : ({ kind: "completed", exitCode: 0, message: "" } as const);
    const dependents = this.#waitingFor(job);
    conclude(this.state, this.#out, ended, verdict, this.now);
    // Whoever waited for it may have a time of its own to wait for.
    for (const id of [job.id, ...dependents]) this.#foresee(this.state.job(id));
  }

  /** Who waits for the job, or for the array of which it is the last to end. */
  #waitingFor({ id, array }: Job): readonly JobId[] {
    const { dependents } = this.state;
    const own = [...dependents.waitingFor(id)];
    if (!array || dependents.progressOf(array.id).outstanding > 1) return own;
    return [...own, ...dependents.waitingFor(array.id)];
  }
}

/** A forecast from the state as it is at `at`. */
export function forecastOf(state: State, at: number): Forecast {
  return new Forecast(atOnce(copyOf(snapshotOf(state, at))), at);
}

/** When the job leaves the phase it is in; undefined for one that only a pass or another job can move. */
function endOf(job: Job, now: number): number | undefined {
  switch (job.phase) {
    case "held":
      return job.hold.kind === "dependencies" ? undefined : job.hold.until;
    case "starting":
    case "running":
      return job.plan?.basis === "guess" ? undefined : expectedEnd(job, now);
    case "stopping":
      return expectedEnd(job, now);
    default:
      return undefined;
  }
}
