/** How a job follows its ranks: it runs when all of them do, and ends as they end. */
import { chargeOverrun } from "./budget.ts";
import { type Allocation, type AllocationEnd, isHeld } from "./model/allocation.ts";
import type { Job, JobIn } from "./model/job.ts";
import type { State } from "./model/state.ts";
import { type Output, saveJob, withEvent } from "./output.ts";
import { expectedEnd } from "./schedule/timeline.ts";
import { conclude, stopJob, touchTimes } from "./transition.ts";
import { verdictOn } from "./verdict.ts";

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
    if (allGone) conclude(state, out, next, next.verdict, lastEnd(allocations, endedAt));
    else saveJob(state, out, next);
    return;
  }
  const verdict = verdictOn(state.spec(job.id), job, allocations, end);
  const startFailures = end.kind === "node" && startedAt === undefined ? job.startFailures + 1 : 0;
  const lost = end.kind === "node" && end.failedDevices ? { deviceLosses: (job.deviceLosses ?? 0) + 1 } : {};
  const next = { ...job, ...lost, allocations, startFailures, startedAt: job.startedAt ?? startedAt };
  if (!verdict) saveStarted(state, out, next, at);
  else if (allGone) conclude(state, out, next, verdict, lastEnd(allocations, endedAt));
  else {
    state.putJob(next);
    stopJob(state, out, next, verdict, at);
  }
}

/** When the last of the ranks ended, which is not always the one that is told of last. */
function lastEnd(allocations: readonly Allocation[], endedAt: number): number {
  const ends = allocations.map(({ state }) => (state.phase === "ended" ? state.endedAt : 0));
  return Math.max(endedAt, ...ends);
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
  const rest = job.isPreempted ? withoutPreemption(job) : job;
  const running: JobIn<"running"> = { ...rest, phase: "running", startedAt, history };
  saveJob(state, out, running);
  armDeadlines(state, running, at);
  for (const { node } of running.allocations) touchTimes(state, node);
}

function withoutPreemption({ isPreempted: _, ...rest }: JobIn<"starting" | "running">) {
  return rest;
}

/** Sees to it that a running job is looked at when its time limit is reached, and when it outruns its plan, which its tenant is charged. */
export function armDeadlines(state: State, job: JobIn<"running">, at: number): void {
  const limitAt = timeLimitAt(state, job);
  if (limitAt !== undefined) state.deadlines.add({ at: limitAt, kind: "job", jobId: job.id });
  const endAt = expectedEnd(job, at);
  chargeOverrun(state, job, endAt);
  if (limitAt === undefined || endAt < limitAt) state.deadlines.add({ at: endAt, kind: "job", jobId: job.id });
}

/** When the job will have run for as long as it may; undefined without a limit. */
export function timeLimitAt(state: State, job: JobIn<"running">): number | undefined {
  const minutes = state.spec(job.id).maxRuntimeMinutes;
  return minutes === undefined || job.startedAt === undefined ? undefined : job.startedAt + minutes * 60_000;
}

function startOf(allocation: Allocation): number {
  return allocation.state.phase === "assigned" ? 0 : (allocation.state.startedAt ?? 0);
}

function withRank(job: Job, rank: number, change: (allocation: Allocation) => Allocation): readonly Allocation[] {
  return job.allocations.map((allocation) => (allocation.rank === rank ? change(allocation) : allocation));
}
