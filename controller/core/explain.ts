import type { JobId, NodeName } from "../../base/ids.ts";
import { type BudgetBlock, budgetBlock } from "./budget.ts";
import { type Counterfactuals, counterfactuals, variationOf } from "./counterfactual.ts";
import type { Demand, Hold, Job, JobIn, RuntimePlan } from "./model/job.ts";
import type { State } from "./model/state.ts";
import type { Outlook, Start } from "./outlook.ts";
import { planRuntime } from "./model/runtime-history.ts";
import { holdingOf, type QuotaBlock, quotaBlock } from "./quota.ts";
import { isSuitable, judge, nodeObstacle, roomOn, type Share, shareOf } from "./schedule/filter.ts";
import { findPlaces, holding, type Place, type Placing } from "./schedule/place.ts";
import { usageWithClaims } from "./schedule/preempt/claim.ts";
import type { Verdict, WaitReason } from "./schedule/reason.ts";
import type { Slices } from "./slices.ts";

/** What the scheduler's own filters say to a job that waits. */
interface Findings {
  readonly places: readonly Place[] | undefined;
  readonly wasKept: boolean;
  readonly quota: QuotaBlock | undefined;
  readonly budget: BudgetBlock | undefined;
}

function lookAt(state: State, job: JobIn<"queued" | "held">, plan: RuntimePlan, at: number): Findings {
  const kind = state.kindOf(job.id);
  const placing: Placing = { kind, at, until: at + plan.ms, jobId: job.id, wasKept: false };
  const places = findPlaces(state, placing);
  const spec = state.spec(job.id);
  const tenant = state.tenant(job.tenantId);
  const wanted = places ? holding(places, kind.demand) : holdingOf(kind.demand);
  return {
    places,
    wasKept: placing.wasKept,
    quota: quotaBlock(tenant.limits, usageWithClaims(state, tenant.id, job.id), wanted),
    budget: budgetBlock(state, tenant, spec, plan, at),
  };
}

/** Why a queued job does not run, by asking the scheduler's own filters: its tenant's limits first, then every node. */
export function whyWaiting(state: State, job: JobIn<"queued">, at: number): WaitReason {
  if (state.nodes.size === 0) return { kind: "no-nodes" };
  const group = state.groupOf(job);
  const { places, wasKept, quota, budget } = lookAt(state, job, state.planOf(group), at);
  if (quota) return { kind: "quota", block: quota };
  if (budget) return { kind: "budget", block: budget };
  if (places) return { kind: "next" };
  if (job.claim) {
    const nodes = job.claim.shares.map(({ node }) => node);
    return { kind: "claimed", leaving: leavingFrom(state, nodes), nodes };
  }
  if (wasKept) return keptForOthers(state);
  return whatIsMissing(state, group.facts.kind.demand);
}

/** The jobs that are being stopped on these nodes. */
function leavingFrom(state: State, nodes: readonly NodeName[]): readonly JobId[] {
  const ids = new Set(nodes.flatMap((name) => [...(state.nodes.get(name)?.jobs.keys() ?? [])]));
  return [...ids].filter((id) => state.job(id).phase === "stopping");
}

/** What one rank asks of one node at least. */
export function smallestShare(demand: Demand): Share {
  return shareOf(demand, demand.gpusPerNode ?? (demand.gang ? 1 : demand.gpus));
}

function whatIsMissing(state: State, demand: Demand): WaitReason {
  return { kind: "resources", ...countGpus(state, demand), nodes: verdictsOf(state, demand) };
}

function verdictsOf(state: State, demand: Demand): readonly NodeVerdict[] {
  const share = smallestShare(demand);
  return state.cluster.nodes.map((node) => ({ node: node.record.name, verdict: judge(node, demand, share) }));
}

function keptForOthers(state: State) {
  const { reservations } = state.scheduling;
  const at = reservations.reduce((earliest, it) => Math.min(earliest, it.at), Number.POSITIVE_INFINITY);
  return { kind: "reserved", for: [...reservations.map((it) => it.jobId), ...state.claims.keys()], at } as const;
}

/** One thing that keeps a job from starting; unlike {@link WaitReason}, of which there is one, there may be several. */
export type Blocker =
  | { readonly kind: "hold"; readonly hold: Hold }
  | { readonly kind: "no-nodes" }
  | { readonly kind: "quota"; readonly block: QuotaBlock }
  | { readonly kind: "budget"; readonly block: BudgetBlock }
  /** There is room, and it is kept for others who come first. `at` is infinite where it cannot be told. */
  | { readonly kind: "reserved"; readonly for: readonly JobId[]; readonly at: number }
  /** GPUs of its kind on nodes that can take work. A job without GPUs has only the nodes' verdicts. */
  | {
      readonly kind: "resources";
      readonly gpusWanted: number;
      readonly gpusFree: number;
      readonly gpusSuitable: number;
    };

/** What a node says to the smallest part of the job. */
export interface NodeVerdict {
  readonly node: NodeName;
  readonly verdict: Verdict;
}

/** Everything that stands between a job and its start. */
export interface Explanation {
  /** The most telling of it; undefined for a job that is not queued. */
  readonly reason: WaitReason | undefined;
  readonly blockers: readonly Blocker[];
  /** Every node's verdict, in the order in which the nodes joined. */
  readonly nodes: readonly NodeVerdict[];
  /** When it will start as things are; its time is undefined when that cannot be told, and for a job that does not wait. */
  readonly start: Start;
  readonly counterfactuals: Counterfactuals;
}

/** Explains a job that waits; of any other there is nothing to explain. Costs several forecasts from the outlook's moment on. */
export function* explain(state: State, job: Job, outlook: Outlook): Slices<Explanation> {
  const { at } = outlook;
  if (job.phase !== "queued" && job.phase !== "held") {
    return { reason: undefined, blockers: [], nodes: [], start: UNKNOWN, counterfactuals: NONE };
  }
  const reason = job.phase === "queued" ? whyWaiting(state, job, at) : undefined;
  const blockers = blockersOf(state, job, at);
  const nodes = verdictsOf(state, state.kindOf(job.id).demand);
  const variation = variationOf(state, job, at);
  const start = yield* outlook.startOf(job.id);
  // What is too far ahead as it is may still be near with a change.
  return { reason, blockers, nodes, start, counterfactuals: yield* counterfactuals(outlook, variation, start.at) };
}

const UNKNOWN: Start = { at: undefined, isTooFar: false };
const NONE: Counterfactuals = { found: [], isCutShort: false };

function blockersOf(state: State, job: JobIn<"queued" | "held">, at: number): readonly Blocker[] {
  const { places, wasKept, quota, budget } = lookAt(state, job, expectedRuntime(state, job), at);
  return [
    ...(job.phase === "held" ? [{ kind: "hold", hold: job.hold } as const] : []),
    ...(quota ? [{ kind: "quota", block: quota } as const] : []),
    ...(budget ? [{ kind: "budget", block: budget } as const] : []),
    ...(places ? [] : [roomBlocker(state, state.kindOf(job.id).demand, wasKept)]),
  ];
}

function roomBlocker(state: State, demand: Demand, wasKept: boolean): Blocker {
  if (state.nodes.size === 0) return { kind: "no-nodes" };
  if (wasKept) return keptForOthers(state);
  return { kind: "resources", gpusWanted: demand.gpus, ...countGpus(state, demand) };
}

function countGpus(state: State, demand: Demand): { readonly gpusFree: number; readonly gpusSuitable: number } {
  let gpusFree = 0;
  let gpusSuitable = 0;
  for (const node of state.nodes.values()) {
    if (nodeObstacle(node, demand)) continue;
    gpusFree += roomOn(node, demand).gpus;
    gpusSuitable += node.record.inventory.devices.filter((device) => isSuitable(device, demand)).length;
  }
  return { gpusFree, gpusSuitable };
}

/** How long the job is expected to run: as its newest attempt was, else as it would be if it were placed now. */
export function expectedRuntime(state: State, job: Job): RuntimePlan {
  if (job.plan && job.phase !== "queued" && job.phase !== "held") return job.plan;
  const spec = state.spec(job.id);
  const historyKey = state.history.keyFor(spec, state.kindOf(job.id).shape);
  return planRuntime(state.history, { limitMinutes: spec.maxRuntimeMinutes, historyKey }, state.settings.policy);
}
