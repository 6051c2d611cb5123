/** How a job moves from phase to phase: every handler changes jobs through these functions alone. */
import { assert } from "../../base/assert.ts";
import type { AllocationKey } from "../../base/ids.ts";
import { formatDuration } from "../../base/time.ts";
import {
  type Allocation,
  type AllocationEnd,
  graceMsOf,
  isHeld,
  type Job,
  type JobEventKind,
  type JobIn,
  type Outcome,
  type Verdict,
} from "./model/job.ts";
import type { State } from "./model/state.ts";
import { type Output, saveJob, withEvent } from "./output.ts";
import { tellLaunch, tellStop } from "./tell.ts";
import { verdictOn } from "./verdict.ts";

/** A job that has its place: the next attempt begins. All of its devices are taken in this one write. */
export function place(
  state: State,
  out: Output,
  job: JobIn<"queued">,
  shares: readonly Omit<Allocation, "state">[],
  at: number,
): void {
  const nodes = shares.map((share) => share.node).join(", ");
  const gpus = shares.reduce((sum, share) => sum + share.devices.length, 0);
  const placed: Job = {
    ...job,
    phase: "starting",
    attempt: job.attempt + 1,
    startedAt: undefined,
    allocations: shares.map((share) => ({ ...share, state: { phase: "assigned" } })),
    history: withEvent(
      job,
      at,
      "placed",
      `attempt ${job.attempt + 1}: ${gpus} ${gpus === 1 ? "GPU" : "GPUs"} on ${nodes}`,
    ),
  };
  saveJob(state, out, placed);
  for (const allocation of placed.allocations) tellLaunch(state, out, placed, allocation);
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
  for (const allocation of stopping.allocations) if (isHeld(allocation)) tellStop(state, out, stopping, allocation);
}

/** All ranks are gone: what the verdict says comes true. */
export function conclude(state: State, out: Output, job: Job, verdict: Verdict, at: number): void {
  assert(!job.allocations.some(isHeld), `job ${job.id} cannot end while it holds devices`);
  if ("delayMs" in verdict) again(state, out, job, verdict, at);
  else finish(state, out, job, verdict, at);
}

/** The job's last step. */
export function finish(state: State, out: Output, job: Job, outcome: Outcome, at: number): void {
  saveJob(state, out, {
    ...bare(job),
    phase: "finished",
    outcome,
    finishedAt: at,
    allocations: job.allocations,
    history: withEvent(job, at, outcome.kind, outcome.message),
  });
}

/** Another attempt: at once, or after a delay. */
function again(
  state: State,
  out: Output,
  job: Job,
  verdict: Verdict & { kind: "retry" | "requeue" },
  at: number,
): void {
  const later = verdict.delayMs > 0;
  const story = later ? `${verdict.message}; again in ${formatDuration(verdict.delayMs)}` : verdict.message;
  const common = {
    ...bare(job),
    lastNodes: job.allocations.map((allocation) => allocation.node),
    retries: job.retries + (verdict.kind === "retry" ? 1 : 0),
    history: withEvent(job, at, "requeued", story),
  };
  if (!later) {
    saveJob(state, out, { ...common, phase: "queued", allocations: [] });
    return;
  }
  const until = at + verdict.delayMs;
  state.deadlines.add({ at: until, kind: "job", jobId: job.id });
  saveJob(state, out, { ...common, phase: "held", until, why: verdict.message, allocations: [] });
}

/** A held job whose time has come. */
export function unhold(state: State, out: Output, job: JobIn<"held">): void {
  saveJob(state, out, { ...bare(job), phase: "queued", allocations: [] });
}

/** A rank runs: the job runs once every rank does, or has. */
export function startRank(state: State, out: Output, job: Job, rank: number, startedAt: number, at: number): void {
  if (job.phase !== "starting" && job.phase !== "stopping") return;
  const allocations = withRank(job, rank, (allocation) => ({ ...allocation, state: { phase: "running", startedAt } }));
  if (job.phase === "stopping") saveJob(state, out, { ...job, allocations });
  else saveStarted(state, out, { ...job, allocations }, at);
}

/** A rank is gone, and its devices with it. Decides what that means for the job. */
export function endRank(
  state: State,
  out: Output,
  job: JobIn<"starting" | "running" | "stopping">,
  ended: { rank: number; startedAt: number | undefined; endedAt: number; end: AllocationEnd },
  at: number,
): void {
  const { rank, startedAt, endedAt, end } = ended;
  const allocations = withRank(job, rank, (allocation) => ({
    ...allocation,
    state: { phase: "ended", startedAt, endedAt, end },
  }));
  const allGone = !allocations.some(isHeld);
  if (job.phase === "stopping") {
    const next = { ...job, allocations };
    if (allGone) conclude(state, out, next, next.verdict, endedAt);
    else saveJob(state, out, next);
    return;
  }
  const verdict = verdictOn(state.spec(job.id), job, allocations, end);
  const startFailures = end.kind === "node" && startedAt === undefined ? job.startFailures + 1 : 0;
  const next = { ...job, allocations, startFailures, startedAt: job.startedAt ?? startedAt };
  if (!verdict) saveStarted(state, out, next, at);
  else if (allGone) conclude(state, out, next, verdict, endedAt);
  else {
    state.putJob(next);
    stopJob(state, out, next, verdict, at);
  }
}

/** Makes a starting job a running one when every rank has begun, and arms its time limit. */
function saveStarted(state: State, out: Output, job: JobIn<"starting" | "running">, at: number): void {
  const begun = job.allocations.every((allocation) => allocation.state.phase !== "assigned");
  if (job.phase === "running" || !begun) {
    saveJob(state, out, job);
    return;
  }
  const startedAt = Math.max(...job.allocations.map(startOf), job.submittedAt);
  const history = withEvent(job, at, "started", `running on ${job.allocations.map((a) => a.node).join(", ")}`);
  const running: JobIn<"running"> = { ...job, phase: "running", startedAt, history };
  saveJob(state, out, running);
  armTimeLimit(state, running);
}

/** Sees to it that a running job is looked at when its time limit is reached. */
export function armTimeLimit(state: State, job: JobIn<"running">): void {
  const limitAt = timeLimitAt(state, job);
  if (limitAt !== undefined) state.deadlines.add({ at: limitAt, kind: "job", jobId: job.id });
}

/** When the job will have run for as long as it may; undefined without a limit. */
export function timeLimitAt(state: State, job: JobIn<"running">): number | undefined {
  const minutes = state.spec(job.id).maxRuntimeMinutes;
  return minutes === undefined || job.startedAt === undefined ? undefined : job.startedAt + minutes * 60_000;
}

/** Adds a line to the story of a job that otherwise stays as it is. */
export function note(state: State, out: Output, job: Job, kind: JobEventKind, message: string, at: number): void {
  saveJob(state, out, { ...job, history: withEvent(job, at, kind, message) });
}

/** Names the job's allocation for the agent that runs it. */
export function keyOf(job: Job, allocation: Allocation): AllocationKey {
  return { jobId: job.id, attempt: job.attempt, rank: allocation.rank };
}

function startOf(allocation: Allocation): number {
  return allocation.state.phase === "assigned" ? 0 : (allocation.state.startedAt ?? 0);
}

function withRank(job: Job, rank: number, change: (allocation: Allocation) => Allocation): readonly Allocation[] {
  return job.allocations.map((allocation) => (allocation.rank === rank ? change(allocation) : allocation));
}

/** The fields that every phase has. */
function bare(job: Job) {
  const { id, tenantId, name, priority, effectivePriority, gpuCount, submittedAt } = job;
  const { attempt, retries, startFailures, startedAt, lastNodes, history } = job;
  return {
    id,
    tenantId,
    name,
    priority,
    effectivePriority,
    gpuCount,
    submittedAt,
    attempt,
    retries,
    startFailures,
    startedAt,
    lastNodes,
    history,
  };
}
