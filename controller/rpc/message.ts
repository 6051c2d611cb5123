/** One sentence on why a job is where it is: the core's reasons, rendered for people. */
import type { JobId } from "../../base/ids.ts";
import { formatTimestamp } from "../../base/time.ts";
import { whyWaiting } from "../core/explain.ts";
import type { BudgetBlock } from "../core/budget.ts";
import { type Demand, demandOf, type Hold, isHeld, type Job, type JobIn } from "../core/model/job.ts";
import type { State } from "../core/model/state.ts";
import { type QuotaBlock, QUOTA_UNIT } from "../core/quota.ts";
import type { NodeReason, Verdict, WaitReason } from "../core/schedule/reason.ts";

const MAX_NAMED = 3;

/** The job's `message`: empty for one that simply runs. */
export function messageFor(state: State, job: Job, at: number): string {
  switch (job.phase) {
    case "queued":
      return waiting(state, job, at);
    case "held":
      return describeHold(job.hold);
    case "starting":
      return (state.progress.get(job.id) || `starting on ${nodesOf(job)}`) + silence(state, job);
    case "running":
      return runningMessage(state, job);
    case "stopping":
      return `${job.verdict.message}; stopping on ${nodesOf(job)}${silence(state, job)}`;
    case "finished":
      return job.outcome.message;
  }
}

/** Why a held job does not queue yet. */
export function describeHold(hold: Hold): string {
  switch (hold.kind) {
    case "backoff":
      return `${hold.why}; next attempt at ${formatTimestamp(hold.until)}`;
    case "not-before":
      return `not to start before ${formatTimestamp(hold.until)}`;
    case "dependencies": {
      return `waiting for ${named(hold.on)} to complete`;
    }
  }
}

function nodesOf(job: Job): string {
  return job.allocations.map((allocation) => allocation.node).join(", ");
}

function runningMessage(state: State, job: JobIn<"running">): string {
  const silent = silentNode(state, job);
  return silent ? `${silent}; the job is presumed to go on` : "";
}

/** The end of a sentence on what is waited for: which node does not answer, if one does not. */
function silence(state: State, job: Job): string {
  const silent = silentNode(state, job);
  return silent ? `: ${silent}` : "";
}

/** The first node of a rank that has not ended which is not online. */
function silentNode(state: State, job: Job): string | undefined {
  const silent = job.allocations
    .filter(isHeld)
    .map((allocation) => state.nodes.get(allocation.node))
    .find((node) => node && node.reach !== "online");
  return silent && `node ${silent.record.name} is ${silent.reach}`;
}

function waiting(state: State, job: JobIn<"queued">, at: number): string {
  const why = whyWaiting(state, job, at);
  const lastTry = job.history.at(-1);
  const story = lastTry?.kind === "requeued" ? `${lastTry.message}; ` : "";
  return story + describeWait(why, demandOf(state.spec(job.id)));
}

/** Why a queued job does not start. */
export function describeWait(why: WaitReason, demand: Demand): string {
  switch (why.kind) {
    case "no-nodes":
      return "waiting for a node: none has joined yet";
    case "next":
      return "waiting for the next scheduling pass";
    case "quota":
      return describeQuota(why.block);
    case "budget":
      return describeBudget(why.block);
    case "claimed":
      return describeClaimed(why);
    case "reserved":
      return describeReserved(why);
    case "resources":
      return describeResources(why, demand);
  }
}

export function describeQuota({ resource, used, limit, wanted }: QuotaBlock): string {
  return `quota: tenant uses ${used} of ${limit} ${QUOTA_UNIT[resource]}, and the job asks for ${wanted}`;
}

export function describeBudget(block: BudgetBlock): string {
  const { spentHours, committedHours, claimedHours, wantedHours, budgetHours, until } = block;
  const claimed = claimedHours > 0 ? ` and ${hours(claimedHours)} to jobs that others make room for` : "";
  const used = `${hours(spentHours)} spent and ${hours(committedHours)} committed to running jobs${claimed}`;
  const when = until === undefined ? "" : `; there will be enough at ${formatTimestamp(until)}`;
  return `budget: ${used} of ${hours(budgetHours)} GPU-hours, and the job may need ${hours(wantedHours)}${when}`;
}

function hours(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function describeClaimed({ leaving, nodes }: WaitReason & { kind: "claimed" }): string {
  const where = named(nodes);
  if (leaving.length === 0) return `waiting for the room that is kept for it on ${where}`;
  return `waiting for ${named(leaving)} to make room on ${where}`;
}

function named(names: readonly string[]): string {
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : "";
  return names.slice(0, MAX_NAMED).join(", ") + more;
}

export function describeReserved(why: { readonly for: readonly JobId[]; readonly at: number }): string {
  const from = Number.isFinite(why.at) ? ` from ${formatTimestamp(why.at)} on` : "";
  return `waiting for room: what is free is kept for ${named(why.for)}${from}`;
}

function describeResources(why: WaitReason & { kind: "resources" }, demand: Demand): string {
  const possible = why.nodes.filter(({ verdict }) => verdict.answer !== "never");
  if (possible.length === 0) return `no node can ever run this: ${describeAll(why)}`;
  if (possible.every(({ verdict }) => takesNothing(verdict))) {
    return `waiting for a node: ${describeAll({ ...why, nodes: possible })}`;
  }
  if (demand.gpus > why.gpusSuitable && !possible.some(({ verdict }) => takesNothing(verdict))) {
    const needed = `the cluster has ${why.gpusSuitable} suitable GPUs of the ${demand.gpus} needed`;
    return `no nodes together can ever run this: ${needed}`;
  }
  if (demand.gpus > why.gpusFree) return describeGpus(why, demand);
  return `waiting for room: ${describeAll({ ...why, nodes: possible })}`;
}

/** What is missing of the GPUs of a job's kind. */
export function describeGpus(
  why: { readonly gpusFree: number; readonly gpusSuitable: number },
  demand: Demand,
): string {
  const gpus = `GPUs${demand.gpuMemoryMb > 0 ? ` with ${demand.gpuMemoryMb} MB` : ""}`;
  return `waiting for ${demand.gpus - why.gpusFree} more ${gpus}: ${why.gpusFree} of ${why.gpusSuitable} are free`;
}

/** Whether the node takes no job at all for now, of whatever size: counting its GPUs would hide the reason. */
function takesNothing(verdict: Verdict): boolean {
  if (verdict.answer === "fits") return false;
  const { kind } = verdict.reason;
  return kind === "not-online" || kind === "not-connected" || kind === "cordoned" || kind === "executor-not-ready";
}

/** The first few nodes with what each lacks, one sentence for those that lack the same. */
function describeAll(why: WaitReason & { kind: "resources" }): string {
  const byReason = new Map<string, string[]>();
  for (const { node, verdict } of why.nodes) {
    const text = verdict.answer === "fits" ? "fits a part of the job" : describeNodeReason(verdict.reason);
    byReason.set(text, [...(byReason.get(text) ?? []), node]);
  }
  const parts = [...byReason].map(([text, nodes]) => {
    return `${named(nodes)} ${text}`;
  });
  return parts.slice(0, MAX_NAMED).join("; ");
}

export function describeNodeReason(reason: NodeReason): string {
  switch (reason.kind) {
    case "not-online":
      return `is ${reason.reach}`;
    case "not-connected":
      return "is not connected";
    case "cordoned":
      return "is cordoned";
    case "executor-not-ready":
      return `cannot start jobs now: ${reason.message}`;
    case "needs-image":
      return "runs containers, and the job names no image";
    case "no-sharing":
      return "does not share GPUs";
    case "selector":
      return `does not match node_selector ${reason.label}`;
    case "too-few-gpus":
      return `has ${reason.has} suitable GPUs of the ${reason.wants} needed`;
    case "too-few-cores":
      return `has ${reason.has} cores of the ${reason.wants} needed`;
    case "too-little-memory":
      return `has ${reason.hasMb} MB of memory of the ${reason.wantsMb} needed`;
    case "gpus-busy":
      return `has ${reason.free} suitable GPUs free of the ${reason.wants} needed`;
    case "cores-busy":
      return `has ${reason.free} cores free of the ${reason.wants} needed`;
    case "memory-busy":
      return `has ${reason.freeMb} MB of memory free of the ${reason.wantsMb} needed`;
  }
}
