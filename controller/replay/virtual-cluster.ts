import { assert, present } from "../../base/assert.ts";
import { RequestError } from "../../base/errors.ts";
import { asTenantId, type JobId } from "../../base/ids.ts";
import type { AllocationReport, Input, Unstamped } from "../core/input.ts";
import type { Allocation, AllocationEnd } from "../core/model/job.ts";
import { DEFAULT_POLICY, type Policy } from "../core/model/policy.ts";
import { State } from "../core/model/state.ts";
import { type Effect, Output } from "../core/output.ts";
import { schedule } from "../core/schedule/pass.ts";
import { step } from "../core/step.ts";
import { EventHeap } from "./event-heap.ts";
import { type AttemptEnd, type AttemptRecord, type JobRecord, newRecord, type RunRecord } from "./record.ts";
import { helloOf } from "./virtual-node.ts";
import type { ReplayJob, ReplayNode, ReplayTenant } from "./workload.ts";

/** When the virtual clock starts, in milliseconds since the epoch. */
const EPOCH_MS = 1_700_000_000_000;
/** Beyond this nothing happens any more: the silence after which a virtual node, which is never silent, would be missed. */
const NEVER_MS = 1e14;
/** Batches in a row at one moment, beyond which core and nodes are taken to answer each other without end. */
const MAX_BATCHES_AT_ONCE = 10_000;

/** What a virtual cluster is made of. */
export interface ClusterOptions {
  readonly nodes: readonly ReplayNode[];
  readonly tenants: readonly ReplayTenant[];
  /** Default: what a controller has that is told nothing else. */
  readonly policy?: Policy;
  /** What a job takes to end once it is asked to, in milliseconds; never more than its grace. Default 0. */
  readonly stopTakesMs?: number;
}

/** An attempt that runs on the virtual nodes. */
interface Run {
  readonly jobId: JobId;
  readonly attempt: number;
  readonly allocations: readonly Allocation[];
  readonly record: JobRecord;
  readonly current: AttemptRecord;
  isStopping: boolean;
  isOver: boolean;
}

/** What becomes of a run: it saves its work, or it ends. */
interface RunEvent {
  readonly kind: "checkpoint" | "end";
  readonly run: Run;
}

/**
 * The production core with virtual nodes around it and a clock that jumps from event to event: a discrete-event simulation
 * in which every decision is the core's. The nodes obey at once, and jobs end when their true duration has passed.
 *
 * All inputs of one moment are one batch with one pass, as in the controller's loop. That an attempt runs is told at the
 * same moment without a pass of its own: nothing becomes free by it, and the next batch brings one.
 */
export class VirtualCluster {
  readonly state: State;
  readonly #options: ClusterOptions;
  readonly #sessions = new Map<string, number>();
  readonly #records = new Map<JobId, JobRecord>();
  readonly #refused: JobRecord[] = [];
  readonly #runs = new Map<JobId, Run>();
  readonly #events = new EventHeap<RunEvent>();
  #now = 0;
  #batchesAtOnce = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { policy = DEFAULT_POLICY } = options;
    this.state = new State({ nodeUnreachableAfterMs: NEVER_MS, nodeLostAfterMs: NEVER_MS, policy }, EPOCH_MS);
    const tenants = options.tenants.map(({ id, limits = {}, ...rest }): Unstamped<Input> => {
      return { kind: "create-tenant", id: asTenantId(id), tenant: { name: id, limits, ...rest } };
    });
    const hellos = options.nodes.map((node, index) => {
      this.#sessions.set(node.name, index + 1);
      return helloOf(node, index + 1);
    });
    this.#batch([...tenants, ...hellos]);
  }

  /** Milliseconds since the start of the replay. */
  get now(): number {
    return this.#now;
  }

  /** Replays jobs, which come in the order of their submission, until nothing can happen any more. */
  run(jobs: readonly ReplayJob[]): RunRecord {
    for (const [index, { name, submitMs }] of jobs.entries()) {
      assert(submitMs >= (jobs[index - 1]?.submitMs ?? this.#now), `job ${name} comes before the one in front of it`);
    }
    let next = 0;
    for (;;) {
      const submitMs = jobs[next]?.submitMs ?? Number.POSITIVE_INFINITY;
      const at = Math.min(submitMs, this.#events.nextAt, this.#deadlineMs());
      if (at === Number.POSITIVE_INFINITY) break;
      this.#moveTo(at);
      let last = next;
      while ((jobs[last]?.submitMs ?? Number.POSITIVE_INFINITY) <= this.#now) last += 1;
      this.#batch([], jobs.slice(next, last));
      next = last;
    }
    return this.record();
  }

  /** Submits one job at this moment and takes it back unless it starts at once. */
  tryStart(job: ReplayJob): boolean {
    const [record] = this.#batch([], [job]);
    assert(record, `job ${job.name} has no record`);
    if (record.jobId === undefined) return false;
    if (this.#runs.has(record.jobId)) return true;
    record.of.droppedMs = this.#now;
    this.#batch([{ kind: "cancel-job", jobId: record.jobId }]);
    return false;
  }

  /** What happened so far. */
  record(): RunRecord {
    return { nodes: this.#options.nodes, jobs: [...this.#records.values(), ...this.#refused] };
  }

  /** When the core wants to look at something; infinity when it does not. */
  #deadlineMs(): number {
    const at = this.state.deadlines.nextAt;
    return at === undefined || at >= NEVER_MS ? Number.POSITIVE_INFINITY : Math.max(at - EPOCH_MS, this.#now);
  }

  #moveTo(at: number): void {
    this.#batchesAtOnce = at > this.#now ? 0 : this.#batchesAtOnce + 1;
    assert(this.#batchesAtOnce < MAX_BATCHES_AT_ONCE, `the replay does not get beyond ${this.#now} ms`);
    this.#now = at;
  }

  /** Everything of this moment, one pass, and what follows from it at once. */
  #batch(inputs: readonly Unstamped<Input>[], jobs: readonly ReplayJob[] = []) {
    const out = new Output();
    for (const input of inputs) this.#step(input, out);
    for (let event = this.#events.takeDue(this.#now); event; event = this.#events.takeDue(this.#now)) {
      if (event.run.isOver) continue;
      if (event.kind === "end") this.#end(event.run, out);
      else this.#checkpoint(event.run, out);
    }
    const submitted = jobs.map((job) => this.#submit(job, out));
    if (this.#deadlineMs() <= this.#now) this.#step({ kind: "tick" }, out);
    schedule(this.state, out, EPOCH_MS + this.#now);
    this.#obey(out.effects);
    return submitted;
  }

  #step(input: Unstamped<Input>, out: Output) {
    return step(this.state, { ...input, at: EPOCH_MS + this.#now }, out);
  }

  #submit(job: ReplayJob, out: Output): { jobId: JobId | undefined; of: JobRecord } {
    const spec = { ...job.spec, tenantId: asTenantId(job.tenant) };
    const answer = this.#step({ kind: "submit-job", spec }, out);
    const record = newRecord(job);
    if (answer && "jobId" in answer) {
      this.#records.set(answer.jobId, record);
      return { jobId: answer.jobId, of: record };
    }
    record.refusal = answer instanceof RequestError ? answer.message : "no answer";
    this.#refused.push(record);
    return { jobId: undefined, of: record };
  }

  /** The nodes do as they are told, and say so. */
  #obey(effects: readonly Effect[]): void {
    const out = new Output();
    for (const effect of effects) {
      if (effect.kind === "launch" && effect.allocation.rank === 0) this.#launch(effect, out);
      else if (effect.kind === "stop") this.#stop(effect);
    }
    if (out.effects.length > 0) this.#obey(out.effects);
  }

  /** Every rank of the attempt runs. */
  #launch({ job }: Extract<Effect, { kind: "launch" }>, out: Output): void {
    const record = present(this.#records.get(job.id), `record of ${job.id}`);
    const current: AttemptRecord = {
      startMs: this.#now,
      shares: job.allocations,
      endMs: undefined,
      keptMs: 0,
      ended: undefined,
    };
    const keptMs = record.attempts.reduce((sum, attempt) => sum + attempt.keptMs, 0);
    record.attempts.push(current);
    const { id: jobId, attempt, allocations } = job;
    const run: Run = { jobId, attempt, allocations, record, current, isStopping: false, isOver: false };
    this.#runs.set(jobId, run);
    const endMs = this.#now + Math.max(0, record.job.runMs - keptMs);
    if (endMs < Number.POSITIVE_INFINITY) this.#events.add(endMs, { kind: "end", run });
    this.#report(run, { phase: "running", startedAt: EPOCH_MS + this.#now }, out);
    this.#planCheckpoint(run);
  }

  #planCheckpoint(run: Run): void {
    const { checkpointEveryMs } = run.record.job;
    if (checkpointEveryMs !== undefined) this.#events.add(this.#now + checkpointEveryMs, { kind: "checkpoint", run });
  }

  #checkpoint(run: Run, out: Output): void {
    if (run.isStopping) return;
    run.current.keptMs = this.#now - run.current.startMs;
    this.#step({ kind: "checkpoint", jobId: run.jobId }, out);
    this.#planCheckpoint(run);
  }

  #stop({ key, graceMs }: Extract<Effect, { kind: "stop" }>): void {
    const run = this.#runs.get(key.jobId);
    if (!run || run.attempt !== key.attempt || run.isStopping) return;
    run.isStopping = true;
    this.#events.add(this.#now + Math.min(this.#options.stopTakesMs ?? 0, graceMs), { kind: "end", run });
  }

  /** Nothing of the attempt is left on its nodes. */
  #end(run: Run, out: Output): void {
    run.isOver = true;
    this.#runs.delete(run.jobId);
    const exit = run.isStopping ? { signal: 15 } : { exitCode: 0 };
    const end: AllocationEnd = { kind: "exited", ...exit, outOfMemory: false, message: "" };
    this.#report(run, { phase: "ended", endedAt: EPOCH_MS + this.#now, end }, out);
    run.current.endMs = this.#now;
    run.current.ended = this.#endOf(run.jobId);
    if (run.current.ended === "over") run.current.keptMs = this.#now - run.current.startMs;
  }

  #endOf(jobId: JobId): AttemptEnd {
    const job = this.state.jobs.get(jobId);
    if (job && job.phase !== "finished") return "requeued";
    return job?.outcome.kind === "preempted" ? "cut-off" : "over";
  }

  #report(run: Run, state: AllocationReport["state"], out: Output): void {
    for (const { rank, node, devices } of run.allocations) {
      const key = { jobId: run.jobId, attempt: run.attempt, rank };
      const session = present(this.#sessions.get(node), `session of ${node}`);
      this.#step({ kind: "allocation-report", session, node, report: { key, devices, state } }, out);
    }
  }
}
