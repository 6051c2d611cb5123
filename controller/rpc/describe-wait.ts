/** Why a queued job does not start, rendered for people. */
import type { JobId, NodeName } from "../../base/ids.ts";
import { formatTimestamp } from "../../base/time.ts";
import type { BudgetBlock } from "../core/budget.ts";
import type { NodeVerdict } from "../core/explain.ts";
import { type Demand, WHOLE_DEVICE } from "../core/model/job.ts";
import { type QuotaBlock, QUOTA_UNIT } from "../core/quota.ts";
import type { Shortage, Verdict, WaitReason } from "../core/schedule/reason.ts";
import { describeVerdict, describeWithheld, gpus } from "./describe-node.ts";
import { namesOf } from "./names.ts";

/** Different reasons that a sentence tells. */
const MAX_REASONS = 3;

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
    case "preempting":
      return describePreempting(why);
    case "claimed":
      return describeClaimed(why.for);
    case "reserved":
      return describeReserved(why);
    case "resources":
      return describeResources(why, demand);
  }
}

export function describeQuota({ resource, used, claimed, limit, wanted }: QuotaBlock): string {
  const kept = claimed > 0 ? `, has ${claimed} kept for jobs that others make room for` : "";
  return `quota: tenant uses ${used} of ${limit} ${QUOTA_UNIT[resource]}${kept}, and the job asks for ${wanted}`;
}

export function describeBudget(block: BudgetBlock): string {
  const { spentHours, committedHours, claimedHours, wantedHours, budgetHours, until } = block;
  const [spent, committed] = [`${hours(spentHours)} spent`, `${hours(committedHours)} committed to running jobs`];
  const claimed = `${hours(claimedHours)} kept for jobs that others make room for`;
  const used = claimedHours > 0 ? `${spent}, ${committed} and ${claimed},` : `${spent} and ${committed}`;
  const when = until === undefined ? "" : `; there will be enough at ${formatTimestamp(until)}`;
  const hint = wantedHours > budgetHours ? ": more than all of them, unless its max_runtime_minutes is less" : "";
  return `budget: ${used} of ${hours(budgetHours)} GPU-hours, and the job may need ${hours(wantedHours)}${when}${hint}`;
}

function hours(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export function describePreempting(why: {
  readonly leaving: readonly JobId[];
  readonly nodes: readonly NodeName[];
}): string {
  const where = namesOf(why.nodes);
  if (why.leaving.length === 0) return `waiting for the room that is kept for it on ${where}`;
  return `waiting for ${namesOf(why.leaving)} to make room on ${where}`;
}

export function describeClaimed(holders: readonly JobId[]): string {
  return `waiting for room: what is free is kept for ${namesOf(holders)}, for which others were stopped`;
}

export function describeReserved(why: { readonly for: readonly JobId[]; readonly at: number }): string {
  const from = Number.isFinite(why.at) ? ` from ${formatTimestamp(why.at)} on` : "";
  return `waiting for room: what is free is kept for ${namesOf(why.for)}${from}`;
}

/** What there is too little of. */
export function describeResources(why: Shortage & { readonly nodes: readonly NodeVerdict[] }, demand: Demand): string {
  const possible = why.nodes.filter(({ verdict }) => verdict.answer !== "never");
  if (possible.length === 0) return `no node can ever run this: ${describeAll(why.nodes, demand)}`;
  const away = possible.filter(({ verdict }) => takesNothing(verdict));
  if (possible.length === away.length) return `waiting for a node: ${describeAll(away, demand)}`;
  if (away.length === 0) {
    const never = neverTogether(why, demand);
    if (never) return `no nodes together can ever run this: ${never}`;
  }
  if (demand.gpus <= why.gpusFree) return `waiting for room: ${describeAll(possible, demand)}`;
  return describeGpus(why, demand) + (away.length > 0 ? `; ${describeAll(away, demand)}` : "");
}

/** What nodes that could each take a part of the job lack even when all of them are empty. */
function neverTogether({ gpusSuitable, capacity }: Shortage, demand: Demand): string | undefined {
  const { gpus: wanted, gpusPerNode } = demand;
  if (wanted > gpusSuitable) return `the cluster has ${gpus(gpusSuitable, demand)} of the ${wanted} needed`;
  if (capacity >= wanted) return undefined;
  const many = `${gpus(capacity, demand)} of the ${wanted} needed`;
  if (gpusPerNode !== undefined) return `${gpusPerNode} to a node they have ${many}`;
  return `with their part of its cores and memory they have ${many}`;
}

/** What is missing of the GPUs of a job's kind. */
function describeGpus({ gpusFree, gpusSuitable, withheld }: Shortage, demand: Demand): string {
  const why = describeWithheld(withheld);
  if (demand.milli < WHOLE_DEVICE) {
    const share = `${demand.milli / WHOLE_DEVICE} of ${gpus(1, demand, "a")}`;
    return `waiting for ${share}: none of ${gpusSuitable} has as much free${why}`;
  }
  const missing = gpus(demand.gpus - gpusFree, demand, `${demand.gpus - gpusFree} more`);
  return `waiting for ${missing}: ${gpusFree} of ${gpusSuitable} are free${why}`;
}

/** Whether the node takes no job at all for now, of whatever size: counting its GPUs would hide the reason. */
function takesNothing(verdict: Verdict): boolean {
  if (verdict.answer === "fits") return false;
  const { kind } = verdict.reason;
  return kind === "not-online" || kind === "not-connected" || kind === "cordoned" || kind === "executor-not-ready";
}

/** The first few nodes with what each lacks, one sentence for those that lack the same. */
function describeAll(nodes: readonly NodeVerdict[], demand: Demand): string {
  const byReason = new Map<string, string[]>();
  for (const { node, verdict } of nodes) {
    const text = describeVerdict(verdict, demand);
    byReason.set(text, [...(byReason.get(text) ?? []), node]);
  }
  const parts = [...byReason].map(([text, names]) => `${namesOf(names)} ${text}`);
  return parts.slice(0, MAX_REASONS).join("; ");
}
