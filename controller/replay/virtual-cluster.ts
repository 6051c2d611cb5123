import { assert, present } from "../../base/assert.ts";
import { RequestError } from "../../base/errors.ts";
import { asTenantId, type JobId } from "../../base/ids.ts";
import type { AllocationReport, Input, Unstamped } from "../core/input.ts";
import type { AllocationEnd } from "../core/model/allocation.ts";
import { DEFAULT_POLICY, type Policy } from "../core/model/policy.ts";
import { State } from "../core/model/state.ts";
import { type Effect, Output } from "../core/output.ts";
import { schedule } from "../core/schedule/pass.ts";
import { step } from "../core/step.ts";
import { EventHeap } from "./event-heap.ts";
import { type AttemptRecord, type JobRecord, newRecord, type RunRecord } from "./record.ts";
import { closeRun, type Event, type Run, type Submitted } from "./virtual-run.ts";
import { VirtualNodes } from "./virtual-node.ts";
import { tenantInput, togetherSubmitted, VirtualUsers } from "./virtual-users.ts";
import type { ClusterEvent, ReplayJob, ReplayNode, ReplayTenant } from "./workload.ts";

/** When the virtual clock starts, in milliseconds since the epoch. */
const EPOCH_MS = 1_700_000_000_000;
/** Beyond this nothing happens any more: the silence after which a virtual node, which is never silent, would be missed. */
const NEVER_MS = 1e14;
/** What there is to say of an end that is nothing special. */
const PLAIN = { outOfMemory: false, message: "" };
/** Batches in a row at one moment, beyond which core and nodes are taken to answer each other without end. */
const MAX_BATCHES_AT_ONCE = 10_000;

/** What a virtual cluster is made of. */
export interface ClusterOptions {
  readonly nodes: readonly ReplayNode[];
  readonly tenants: readonly ReplayTenant[];
  /** Default: what a controller has that is told nothing else. */
  readonly policy?: Policy;
  /** What changes later on. */
  readonly events?: readonly ClusterEvent[];
  /** What a job takes to end once it is asked to, in milliseconds; never more than its grace. Default 0. */
  readonly stopTakesMs?: number;
}

/**
 * The production core with virtual nodes around it and a clock that jumps from event to event: a discrete-event simulation
 * in which every decision is the core's. The nodes obey at once, and jobs end when their true duration has passed.
 *
 * All inputs of one moment are one batch with one pass, as in the controller's loop. That an attempt runs is told at the
 * same moment in a batch of its own.
 */
export class VirtualCluster {
  readonly state: State;
  readonly #options: ClusterOptions;
  readonly #nodes = new VirtualNodes();
  readonly #users = new VirtualUsers(EPOCH_MS);
  readonly #records = new Map<JobId, JobRecord>();
  readonly #refused: JobRecord[] = [];
  readonly #runs = new Map<JobId, Run>();
  readonly #events = new EventHeap<Event>();
  #now = 0;
  #batchesAtOnce = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { policy = DEFAULT_POLICY } = options;
    this.state = new State({ nodeUnreachableAfterMs: NEVER_MS, nodeLostAfterMs: NEVER_MS, policy }, EPOCH_MS);
    for (const event of options.events ?? []) this.#events.add(event.atMs, event);
    const tenants = options.tenants.map((tenant) => tenantInput(tenant, false));
    this.#batch([...tenants, ...options.nodes.map((node) => this.#nodes.join(node, 0))]);
  }

  /** Milliseconds since the start of the replay. */
  get now(): number {
    return this.#now;
  }

  /** The same on the core's clock: milliseconds since the epoch. */
  get at(): number {
    return EPOCH_MS + this.#now;
  }

  /**
   * Replays jobs, which come in the order of their submission, until nothing can happen any more, or until nothing else can
   * happen up to a time, milliseconds since the start; then it may go on.
   */
  run(jobs: readonly ReplayJob[], untilMs = Number.POSITIVE_INFINITY): RunRecord {
    for (const [index, { name, submitMs }] of jobs.entries()) {
      assert(submitMs >= (jobs[index - 1]?.submitMs ?? this.#now), `job ${name} comes before the one in front of it`);
    }
    let next = 0;
    for (;;) {
      const submitMs = jobs[next]?.submitMs ?? Number.POSITIVE_INFINITY;
      const at = Math.min(submitMs, this.#events.nextAt, this.#deadlineMs());
      if (at === Number.POSITIVE_INFINITY || at > untilMs) break;
      this.#moveTo(at);
      let last = next;
      while ((jobs[last]?.submitMs ?? Number.POSITIVE_INFINITY) <= this.#now) last += 1;
      this.#batch([], jobs.slice(next, last));
      next = last;
    }
    if (Number.isFinite(untilMs)) this.#now = Math.max(this.#now, untilMs);
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

  /** The core's id of the job of this name; undefined if it was not taken, or has not come yet. */
  idOf(name: string): JobId | undefined {
    return this.#users.idOf(name);
  }

  /** What happened so far. */
  record(): RunRecord {
    return { ...this.#nodes.record(), jobs: [...this.#records.values(), ...this.#refused] };
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
    const cancelled: JobId[] = [];
    for (let event = this.#events.takeDue(this.#now); event; event = this.#events.takeDue(this.#now)) {
      // A job that ends in the moment in which it is taken back has ended by itself.
      if (event.kind === "cancel") cancelled.push(event.jobId);
      else this.#comeTrue(event, out);
    }
    for (const jobId of cancelled) this.#cancel(jobId, out);
    const submitted = [...togetherSubmitted(jobs)].flatMap((together) => this.#submit(together, out));
    if (this.#deadlineMs() <= this.#now) this.#step({ kind: "tick" }, out);
    schedule(this.state, out, this.at);
    this.#obey(out.effects);
    return submitted;
  }

  #comeTrue(event: Exclude<Event, { kind: "cancel" }>, out: Output): void {
    switch (event.kind) {
      case "end":
        if (!event.run.isOver) this.#end(event.run, out);
        return;
      case "checkpoint":
        if (!event.run.isOver) this.#checkpoint(event.run, out);
        return;
      case "tenant":
        this.#step(tenantInput(event.tenant, this.state.tenants.has(asTenantId(event.tenant.id))), out);
        return;
      case "join":
        this.#step(this.#nodes.join(event.node, this.#now), out);
        return;
      case "leave":
        this.#leave(event.node, out);
    }
  }

  #step(input: Unstamped<Input>, out: Output) {
    return step(this.state, { ...input, at: this.at }, out);
  }

  #submit(jobs: readonly [ReplayJob, ...ReplayJob[]], out: Output) {
    const [first] = jobs;
    const answer = this.#step(this.#users.submission(first, jobs.length), out);
    const ids = answer && "jobId" in answer ? ("jobIds" in answer && answer.jobIds) || [answer.jobId] : [];
    if (answer && "jobId" in answer && first.array !== undefined) this.#users.remember(first.array, answer.jobId);
    return jobs.map((job, index): Submitted => {
      const [jobId, of] = [ids[index], newRecord(job)];
      if (jobId === undefined) {
        of.refusal = answer instanceof RequestError ? answer.message : "no answer";
        this.#refused.push(of);
        return { jobId, of };
      }
      this.#records.set(jobId, of);
      this.#users.remember(job.name, jobId);
      if (job.cancelMs !== undefined) this.#events.add(job.cancelMs, { kind: "cancel", jobId });
      return { jobId, of };
    });
  }

  #cancel(jobId: JobId, out: Output): void {
    this.#step({ kind: "cancel-job", jobId }, out);
    const record = present(this.#records.get(jobId), `record of ${jobId}`);
    if (record.attempts.length === 0) record.droppedMs ??= this.#now;
  }

  /** The nodes do as they are told, and say so. */
  #obey(effects: readonly Effect[]): void {
    const out = new Output();
    for (const effect of effects) {
      if (effect.kind === "launch" && effect.allocation.rank === 0) this.#launch(effect, out);
      else if (effect.kind === "stop") this.#stop(effect);
    }
    schedule(this.state, out, this.at);
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
    const failed = record.attempts.filter(({ ended }) => ended === "failed").length;
    const { runMs, exitCode = 0, checkpointsMs = [] } = record.job.failures?.[failed] ?? record.job;
    record.attempts.push(current);
    const { id: jobId, attempt, allocations } = job;
    const flags = { isStopping: false, isLost: false, isOver: false };
    const run: Run = { jobId, attempt, allocations, record, current, exitCode, keptMs, checkpointsMs, ...flags };
    this.#runs.set(jobId, run);
    const endMs = this.#now + Math.max(0, runMs - keptMs);
    if (endMs < Number.POSITIVE_INFINITY) this.#events.add(endMs, { kind: "end", run });
    this.#report(run, { phase: "running", startedAt: this.at }, out);
    this.#planCheckpoint(run);
  }

  #planCheckpoint(run: Run): void {
    const doneMs = run.keptMs + this.#now - run.current.startMs;
    const nextMs = run.checkpointsMs.find((ms) => ms > doneMs);
    const inMs = nextMs === undefined ? run.record.job.checkpointEveryMs : nextMs - doneMs;
    if (inMs !== undefined) this.#events.add(this.#now + inMs, { kind: "checkpoint", run });
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
    const exit = run.isStopping ? { signal: 15 } : { exitCode: run.exitCode };
    this.#report(run, { phase: "ended", endedAt: this.at, end: { kind: "exited", ...exit, ...PLAIN } }, out);
    this.#close(run);
  }

  #close(run: Run): void {
    this.#runs.delete(run.jobId);
    closeRun(run, this.state.jobs.get(run.jobId), this.#now);
  }

  /** The node is gone, and with it what it ran; other ranks of the same attempts are for the core to stop. */
  #leave(node: string, out: Output): void {
    const end: AllocationEnd = { kind: "node", message: "the node left" };
    for (const run of [...this.#runs.values()]) {
      const ranks = run.allocations.filter((allocation) => allocation.node === node);
      if (ranks.length === 0) continue;
      run.isLost = true;
      this.#report({ ...run, allocations: ranks }, { phase: "ended", endedAt: this.at, end }, out);
      if (this.state.jobs.get(run.jobId)?.phase !== "stopping") this.#close(run);
    }
    const input = this.#nodes.leave(node, this.#now);
    if (input) this.#step(input, out);
  }

  #report(run: Run, state: AllocationReport["state"], out: Output): void {
    for (const { rank, node, devices } of run.allocations) {
      const session = this.#nodes.sessionOf(node);
      const key = { jobId: run.jobId, attempt: run.attempt, rank };
      if (session === undefined) continue;
      this.#step({ kind: "allocation-report", session, node, report: { key, devices, state } }, out);
    }
  }
}
