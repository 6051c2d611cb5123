import { formatDuration } from "../../../base/time.ts";
import { lookAtBudget } from "../budget.ts";
import { lookAtDrain } from "../drain.ts";
import { lookAtIdleness } from "../idleness.ts";
import { lookAtMembership, watchMembership } from "../membership.ts";
import type { Job, JobIn } from "../model/job.ts";
import type { Node } from "../model/node.ts";
import { giveUpRanks, heldRanks } from "../node-ranks.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";
import { describeHeld, whyHeld } from "../quorum.ts";
import { armDeadlines, timeLimitAt } from "../rank.ts";
import { note, stopJob, unhold } from "../transition.ts";
import { lookAtQueued } from "../schedule/preempt/preempt.ts";
import { watchSilence } from "../watch-silence.ts";

/** How often it is looked at again whether what is held may go on. */
const HELD_LOOK_EVERY_MS = 1_000;

/** Looks at everything whose time has come. */
export function onTick(state: State, at: number, out: Output): void {
  for (let due = state.deadlines.takeDue(at); due; due = state.deadlines.takeDue(at)) {
    if (due.kind === "job") lookAtJob(state, due.jobId, out, at);
    else if (due.kind === "budget") lookAtBudget(state, due.tenantId);
    else if (due.kind === "idle") lookAtIdleness(state, due.jobId, out, at);
    else if (due.kind === "membership") lookAtMembership(state, at, out);
    else {
      const node = state.nodes.get(due.node);
      const look = due.kind === "drain" ? lookAtDrain : lookAtNode;
      if (node) look(state, node, out, at);
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
  node.isWatched = false;
  const { nodeUnreachableAfterMs, nodeLostAfterMs } = state.settings;
  const silentMs = at - node.lastHeardAt;
  if (silentMs >= nodeLostAfterMs) {
    const message = `node ${node.record.name} was lost: not heard for ${formatDuration(silentMs)}`;
    if (node.reach !== "lost") lose(state, node, message, out, at);
    requeueOrHold(state, node, message, out, at);
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

/** Gives a node up. Jobs that may not run elsewhere keep their place until the node returns. */
function lose(state: State, node: Node, message: string, out: Output, at: number): void {
  node.reach = "lost";
  node.goodBeats = 0;
  state.unheard.delete(node.record.name);
  state.cluster.touch(node);
  watchMembership(state, at);
  for (const { job, allocation } of heldRanks(state, node)) {
    if (!allocation.movesWhenLost)
      note(state, out, job, "node-unreachable", `${message}; waiting for it to return`, at);
  }
}

/**
 * Jobs that may run elsewhere than on the lost node do, once it is sure that they do not run there any more. A leader that hears
 * too few of the nodes is the one who is cut off, for all that it knows: the node's agent may live on with the others.
 */
function requeueOrHold(state: State, node: Node, message: string, out: Output, at: number): void {
  const moving = heldRanks(state, node).filter(({ allocation }) => allocation.movesWhenLost);
  if (moving.length === 0) return;
  const held = whyHeld(state, node, at);
  if (held) {
    const why = `${message}; its jobs are not started elsewhere yet: ${describeHeld(held)}`;
    if (!node.requeuesHeld) {
      for (const { job } of moving) note(state, out, job, "node-unreachable", why, at);
      out.tell({ kind: "alarm", node: node.record.name, session: undefined, message: why });
    }
    node.requeuesHeld = held;
    watchSilence(state, node, at + HELD_LOOK_EVERY_MS);
    return;
  }
  node.requeuesHeld = undefined;
  giveUpRanks(state, out, { node, ranks: moving, message }, at);
}
