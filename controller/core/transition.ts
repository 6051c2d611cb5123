/** How a job moves from phase to phase: every handler changes jobs through these functions and those of `rank.ts` alone. */
import { InvariantError, present } from "../../base/assert.ts";
import type { AllocationKey, JobId, NodeName } from "../../base/ids.ts";
import { formatDuration } from "../../base/time.ts";
import { chargePlaced, settleEnded } from "./budget.ts";
import { type Allocation, isHeld } from "./model/allocation.ts";
import {
  graceMsOf,
  type Hold,
  type Job,
  type JobEventKind,
  type JobIn,
  type Outcome,
  type RuntimePlan,
  type Verdict,
  WHOLE_DEVICE,
} from "./model/job.ts";
import type { State } from "./model/state.ts";
import { type Output, saveJob, withEvent } from "./output.ts";
import { tellLaunch, tellStop } from "./tell.ts";

/** Where a job's ranks will be, and for how long it is expected to stay. */
export interface Placement {
  readonly allocations: readonly Allocation[];
  readonly plan: RuntimePlan;
}

/** A job that has its place: the next attempt begins. All of its devices are taken in this one write. */
export function place(state: State, out: Output, job: JobIn<"queued">, placement: Placement, at: number): void {
  const { allocations, plan } = placement;
  const nodes = allocations.map((allocation) => allocation.node).join(", ");
  const gpus = allocations.reduce((sum, allocation) => sum + allocation.devices.length, 0);
  const milli = allocations[0]?.milli;
  const what = milli === undefined ? `${gpus} ${gpus === 1 ? "GPU" : "GPUs"}` : `${milli / WHOLE_DEVICE} of a GPU`;
  const placed: Job = {
    ...(job.claim ? withoutClaim(job) : job),
    phase: "starting",
    attempt: job.attempt + 1,
    startedAt: undefined,
    checkpointAt: undefined,
    placedAt: at,
    plan,
    allocations,
    history: withEvent(job, at, "placed", `attempt ${job.attempt + 1}: ${what} on ${nodes}`),
  };
  saveJob(state, out, placed);
  chargePlaced(state, placed);
  state.onPlaced?.(job.id);
  for (const allocation of placed.allocations) tellLaunch(state, out, placed, allocation);
}

/** One for all jobs that wait: there may be millions. */
const NONE: readonly [] = [];

function withoutClaim({ claim: _, ...rest }: JobIn<"queued">): Omit<JobIn<"queued">, "claim"> {
  return rest;
}

/** Ends what runs of a job, on the way to the verdict. */
export function stopJob(
  state: State,
  out: Output,
  job: JobIn<"starting" | "running" | "stopping">,
  verdict: Verdict,
  at: number,
): void {
  const ran = job.phase === "stopping" ? job.ran : job.phase === "running";
  const stopping: JobIn<"stopping"> = {
    ...job,
    phase: "stopping",
    verdict,
    ran,
    graceMs: graceMsOf(state.spec(job.id)),
    history: withEvent(job, at, "stopping", verdict.message),
  };
  if (!stopping.allocations.some(isHeld)) {
    conclude(state, out, stopping, verdict, at);
    return;
  }
  saveJob(state, out, stopping);
  for (const allocation of stopping.allocations) {
    if (!isHeld(allocation)) continue;
    tellStop(state, out, stopping, allocation);
    touchTimes(state, allocation.node);
  }
}

/** All ranks are gone: what the verdict says comes true. */
export function conclude(state: State, out: Output, job: Job, verdict: Verdict, at: number): void {
  if (job.allocations.some(isHeld)) throw new InvariantError(`job ${job.id} cannot end while it holds devices`);
  const spentGpuMs = (job.spentGpuMs ?? 0) + settleEnded(state, job, at);
  const settled = { ...job, spentGpuMs };
  if ("delayMs" in verdict) again(state, out, settled, verdict, at);
  else finish(state, out, settled, verdict, at);
}

/** The job's last step. Whoever waited for it to complete queues, or fails with it. */
export function finish(state: State, out: Output, job: Job, outcome: Outcome, at: number): void {
  const finished: JobIn<"finished"> = {
    ...bare(job),
    phase: "finished",
    outcome,
    finishedAt: at,
    allocations: job.allocations,
    history: withEvent(job, at, outcome.kind, outcome.message),
  };
  saveJob(state, out, finished);
  noteRuntime(state, finished);
  tellDependents(state, out, job.id, finished, at);
  if (!job.array) return;
  const isOver = state.dependents.progressOf(job.array.id).outstanding === 0;
  if (isOver || outcome.kind !== "completed") tellDependents(state, out, job.array.id, finished, at);
}

/** Whoever waits for `ended`, or for the array that it ends or spoils, waits no more. */
function tellDependents(state: State, out: Output, ended: JobId, last: JobIn<"finished">, at: number): void {
  for (const id of [...state.dependents.waitingFor(ended)]) {
    const dependent = state.job(id);
    if (dependent.phase === "held") onDependencyEnded(state, out, dependent, { id: ended, last }, at);
  }
}

function noteRuntime(state: State, job: JobIn<"finished">): void {
  const ranMs = ranFor(job);
  if (ranMs !== undefined) state.history.add(state.spec(job.id), state.kindOf(job.id).shape, ranMs);
}

/** How long such jobs run, as a run to its own end tells; undefined for another. In milliseconds. */
export function ranFor({ outcome, startedAt, finishedAt }: JobIn<"finished">): number | undefined {
  const ranToItsEnd = outcome.kind === "completed" || (outcome.kind === "failed" && outcome.exitCode !== undefined);
  return ranToItsEnd && startedAt !== undefined ? finishedAt - startedAt : undefined;
}

/** Another attempt: at once, or after a delay. */
function again(state: State, out: Output, job: Job, verdict: Verdict & { delayMs: number }, at: number): void {
  const later = verdict.delayMs > 0;
  const isPreempted = verdict.kind === "preempt";
  const story = later ? `${verdict.message}; again in ${formatDuration(verdict.delayMs)}` : verdict.message;
  const common = {
    ...bare(job),
    ...(isPreempted ? { isPreempted, preemptedMs: (job.preemptedMs ?? 0) + at - (job.placedAt ?? at) } : {}),
    lastNodes: job.allocations.map((allocation) => allocation.node),
    retries: job.retries + (verdict.kind === "retry" ? 1 : 0),
    history: withEvent(job, at, isPreempted ? "preempted" : "requeued", story),
  };
  if (!later) {
    saveJob(state, out, { ...common, phase: "queued", allocations: NONE });
    return;
  }
  hold(state, out, common, { kind: "backoff", until: at + verdict.delayMs, why: verdict.message });
}

/** Sets a job aside until a time, or until other jobs have completed. */
function hold(state: State, out: Output, job: Fields, reason: Hold): void {
  if (reason.kind !== "dependencies") state.deadlines.add({ at: reason.until, kind: "job", jobId: job.id });
  saveJob(state, out, { ...job, phase: "held", hold: reason, allocations: NONE });
}

/** A job that has just come, or for which something that it waited for has happened, queues as soon as it may. */
export function enter(state: State, out: Output, job: Fields, on: readonly JobId[], at: number): void {
  const { notBefore = 0 } = present(state.specs.get(job.array?.id ?? job.id), "spec of", job.id);
  if (on.length > 0) hold(state, out, job, { kind: "dependencies", on });
  else if (notBefore > at) hold(state, out, job, { kind: "not-before", until: notBefore });
  else {
    const eligibleAt = at > job.submittedAt ? at : job.eligibleAt;
    saveJob(state, out, { ...job, eligibleAt, phase: "queued", allocations: NONE });
  }
}

/** A held job whose time has come. */
export function unhold(state: State, out: Output, job: JobIn<"held">, at: number): void {
  if (job.hold.kind === "backoff") saveJob(state, out, { ...bare(job), phase: "queued", allocations: NONE });
  else enter(state, out, bare(job), [], at);
}

/** What was waited for, and the job that ended it. */
interface EndedDependency {
  readonly id: JobId;
  readonly last: JobIn<"finished">;
}

function onDependencyEnded(
  state: State,
  out: Output,
  job: JobIn<"held">,
  { id: ended, last }: EndedDependency,
  at: number,
): void {
  if (job.hold.kind !== "dependencies") return;
  if (last.outcome.kind !== "completed") {
    const message = `depends on ${last.id}, which was not completed: ${last.outcome.kind}`;
    finish(state, out, job, { kind: "failed", message }, at);
    return;
  }
  const left = job.hold.on.filter((id) => id !== ended);
  enter(state, out, bare(job), left, at);
}

/** The end of what runs on the node is expected at another time. */
export function touchTimes(state: State, name: NodeName): void {
  const node = state.nodes.get(name);
  if (node) state.cluster.touchTimes(node);
}

/** Adds a line to the story of a job that otherwise stays as it is. */
export function note(state: State, out: Output, job: Job, kind: JobEventKind, message: string, at: number): void {
  saveJob(state, out, { ...job, history: withEvent(job, at, kind, message) });
}

/** Names the job's allocation for the agent that runs it. */
export function keyOf(job: Job, allocation: Allocation): AllocationKey {
  return { jobId: job.id, attempt: job.attempt, rank: allocation.rank };
}

/** The fields that every phase has, known or not: objects of one shape are read and copied faster. */
export type Fields = ReturnType<typeof bare>;

function bare(job: Job) {
  const { id, tenantId, name, priority, effectivePriority, gpuCount, submittedAt, eligibleAt, array } = job;
  const {
    attempt,
    retries,
    startFailures,
    deviceLosses,
    startedAt,
    plan,
    placedAt,
    isPreempted,
    preemptedMs,
    spentGpuMs,
  } = job;
  const { checkpointAt, lastNodes, history } = job;
  return {
    id,
    tenantId,
    name,
    priority,
    effectivePriority,
    gpuCount,
    submittedAt,
    eligibleAt,
    array,
    attempt,
    retries,
    startFailures,
    deviceLosses,
    startedAt,
    plan,
    placedAt,
    isPreempted,
    preemptedMs,
    spentGpuMs,
    checkpointAt,
    lastNodes,
    history,
  };
}
