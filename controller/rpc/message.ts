/** One sentence on why a job is where it is: the core's reasons, rendered for people. */
import { formatTimestamp } from "../../base/time.ts";
import { whyWaiting } from "../core/explain.ts";
import { type Demand, demandOf, type Job, type JobIn } from "../core/model/job.ts";
import type { State } from "../core/model/state.ts";
import { type QuotaBlock, QUOTA_UNIT } from "../core/quota.ts";
import type { NodeReason, Verdict, WaitReason } from "../core/schedule/reason.ts";

/** The job's `message`: empty for one that simply runs. */
export function messageFor(state: State, job: Job): string {
  switch (job.phase) {
    case "queued":
      return waiting(state, job);
    case "held":
      return `${job.why}; next attempt at ${formatTimestamp(job.until)}`;
    case "starting":
      return state.progress.get(job.id) || `starting on ${job.allocations.map((a) => a.node).join(", ")}`;
    case "running":
      return runningMessage(state, job);
    case "stopping":
      return `${job.verdict.message}; stopping on ${job.allocations.map((a) => a.node).join(", ")}`;
    case "finished":
      return job.outcome.message;
  }
}

function runningMessage(state: State, job: JobIn<"running">): string {
  const silent = job.allocations
    .map((allocation) => state.nodes.get(allocation.node))
    .find((node) => node && node.reach !== "online");
  return silent ? `node ${silent.record.name} is ${silent.reach}; the job is presumed to go on` : "";
}

function waiting(state: State, job: JobIn<"queued">): string {
  const why = whyWaiting(state, job);
  const lastTry = job.history.at(-1);
  const story = lastTry?.kind === "requeued" ? `${lastTry.message}; ` : "";
  return story + describeWait(why, demandOf(state.spec(job.id)));
}

function describeWait(why: WaitReason, demand: Demand): string {
  switch (why.kind) {
    case "no-nodes":
      return "waiting for a node: none has joined yet";
    case "next":
      return "waiting for the next scheduling pass";
    case "quota":
      return describeQuota(why.block);
    case "resources":
      return describeResources(why, demand);
  }
}

function describeQuota({ resource, used, limit, wanted }: QuotaBlock): string {
  return `quota: tenant uses ${used} of ${limit} ${QUOTA_UNIT[resource]}, and the job asks for ${wanted}`;
}

function describeResources(why: WaitReason & { kind: "resources" }, demand: Demand): string {
  const possible = why.nodes.filter(({ verdict }) => verdict.answer !== "never");
  if (possible.length === 0) return `no node can ever run this: ${describeAll(why)}`;
  if (possible.every(({ verdict }) => takesNothing(verdict))) {
    return `waiting for a node: ${describeAll({ ...why, nodes: possible })}`;
  }
  const gpus = `GPUs${demand.gpuMemoryMb > 0 ? ` with ${demand.gpuMemoryMb} MB` : ""}`;
  if (demand.gpus > why.gpusFree) {
    return `waiting for ${demand.gpus - why.gpusFree} more ${gpus}: ${why.gpusFree} of ${why.gpusSuitable} are free`;
  }
  return `waiting for room: ${describeAll({ ...why, nodes: possible })}`;
}

/** Whether the node takes no job at all for now, of whatever size: counting its GPUs would hide the reason. */
function takesNothing(verdict: Verdict): boolean {
  if (verdict.answer === "fits") return false;
  const { kind } = verdict.reason;
  return kind === "not-online" || kind === "cordoned" || kind === "executor-not-ready";
}

const MAX_NODES_NAMED = 3;

/** The first few nodes with what each lacks, one sentence for those that lack the same. */
function describeAll(why: WaitReason & { kind: "resources" }): string {
  const byReason = new Map<string, string[]>();
  for (const { node, verdict } of why.nodes) {
    const text = verdict.answer === "fits" ? "fits a part of the job" : describeNodeReason(verdict.reason);
    byReason.set(text, [...(byReason.get(text) ?? []), node]);
  }
  const parts = [...byReason].map(([text, nodes]) => {
    const named = nodes.slice(0, MAX_NODES_NAMED).join(", ");
    const more = nodes.length > MAX_NODES_NAMED ? ` and ${nodes.length - MAX_NODES_NAMED} more` : "";
    return `${named}${more} ${text}`;
  });
  return parts.slice(0, MAX_NODES_NAMED).join("; ");
}

function describeNodeReason(reason: NodeReason): string {
  switch (reason.kind) {
    case "not-online":
      return `is ${reason.reach}`;
    case "cordoned":
      return "is cordoned";
    case "executor-not-ready":
      return `cannot start jobs now: ${reason.message}`;
    case "needs-image":
      return "runs containers, and the job names no image";
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
