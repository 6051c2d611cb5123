import { formatDuration } from "../../../base/time.ts";
import { lookAtBudget } from "../budget.ts";
import { isHeld } from "../model/allocation.ts";
import type { Job, JobIn } from "../model/job.ts";
import type { Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";
import { armDeadlines, endRank, timeLimitAt } from "../rank.ts";
import { note, stopJob, unhold } from "../transition.ts";
import { lookAtQueued } from "../schedule/preempt/preempt.ts";
import { watchSilence } from "../watch-silence.ts";

/** Looks at everything whose time has come. */
export function onTick(state: State, at: number, out: Output): void {
  for (let due = state.deadlines.takeDue(at); due; due = state.deadlines.takeDue(at)) {
    if (due.kind === "job") lookAtJob(state, due.jobId, out, at);
    else if (due.kind === "budget") lookAtBudget(state, due.tenantId);
    else {
      const node = state.nodes.get(due.node);
      if (!node) continue;
      node.isWatched = false;
      lookAtNode(state, node, out, at);
    }
  }
}

function lookAtJob(state: State, jobId: JobIn<"held">["id"], out: Output, at: number): void {
  const job = state.jobs.get(jobId);
  if (job) lookAtWaiting(state, out, job, at);
  if (job?.phase !== "running") return;
  const limitAt = timeLimitAt(state, job);
  if (limitAt === undefined || limitAt > at) {
    outrun(state, job, at);
    return;
  }
  const minutes = state.spec(job.id).maxRuntimeMinutes;
  stopJob(state, out, job, { kind: "failed", message: `exceeded max runtime of ${minutes} minutes` }, at);
}

/** A held job may queue now, or others may make room for a queued one. */
export function lookAtWaiting(state: State, out: Output, job: Job, at: number): void {
  if (job.phase === "held" && job.hold.kind !== "dependencies" && job.hold.until <= at) unhold(state, out, job, at);
  else if (job.phase === "queued") lookAtQueued(state, out, job, at);
}

/** The job goes on beyond its plan: whoever waits for its devices waits for longer. */
function outrun(state: State, job: JobIn<"running">, at: number): void {
  const { plan, startedAt } = job;
  if (!plan || startedAt === undefined || at < startedAt + plan.ms) return;
  for (const { node: name } of job.allocations) {
    const node = state.nodes.get(name);
    if (node) state.touch(node);
  }
  armDeadlines(state, job, at);
}

/** How long the node has been silent decides what it is called, and when it is looked at again. */
function lookAtNode(state: State, node: Node, out: Output, at: number): void {
  const { nodeUnreachableAfterMs, nodeLostAfterMs } = state.settings;
  const silentMs = at - node.lastHeardAt;
  if (silentMs >= nodeLostAfterMs) {
    if (node.reach !== "lost") lose(state, node, silentMs, out, at);
    return;
  }
  if (silentMs >= nodeUnreachableAfterMs && node.reach === "online") {
    node.reach = "unreachable";
    state.cluster.touch(node);
    const message = `node ${node.record.name} has not been heard for ${formatDuration(silentMs)}`;
    for (const jobId of [...node.jobs.keys()]) note(state, out, state.job(jobId), "node-unreachable", message, at);
  }
  const online = node.reach === "online";
  // A silent node may come back and fall silent again before it would be lost: it is looked at as often as one that is heard.
  const nextAt = online ? node.lastHeardAt + nodeUnreachableAfterMs : at + nodeUnreachableAfterMs;
  watchSilence(state, node, Math.min(nextAt, node.lastHeardAt + nodeLostAfterMs));
}

/** Gives a node up. Jobs that may run elsewhere do; the others keep their place until the node returns. */
function lose(state: State, node: Node, silentMs: number, out: Output, at: number): void {
  node.reach = "lost";
  state.unheard.delete(node.record.name);
  state.cluster.touch(node);
  const message = `node ${node.record.name} was lost: not heard for ${formatDuration(silentMs)}`;
  for (const jobId of [...node.jobs.keys()]) {
    const job = state.job(jobId);
    if (job.phase !== "starting" && job.phase !== "running" && job.phase !== "stopping") continue;
    const allocation = job.allocations.find((a) => a.node === node.record.name && isHeld(a));
    if (!allocation) continue;
    if (!allocation.movesWhenLost) {
      note(state, out, job, "node-unreachable", `${message}; waiting for it to return`, at);
      continue;
    }
    const startedAt = allocation.state.phase === "running" ? allocation.state.startedAt : undefined;
    const end = { kind: "fenced", message } as const;
    endRank(state, out, job, { rank: allocation.rank, startedAt, endedAt: at, end }, at);
  }
}
