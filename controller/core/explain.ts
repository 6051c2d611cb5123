import type { JobId, NodeName } from "../../base/ids.ts";
import { type BudgetBlock, budgetBlockAhead } from "./budget.ts";
import { type Counterfactuals, counterfactuals, variationOf } from "./counterfactual.ts";
import {
  type Claim,
  type Demand,
  type Hold,
  type Job,
  type JobIn,
  type RuntimePlan,
  waitsForStart,
} from "./model/job.ts";
import type { State } from "./model/state.ts";
import type { Outlook, Start } from "./outlook.ts";
import { planRuntime } from "./model/runtime-history.ts";
import { gpuMemoryLeft, holdingOf, type QuotaBlock, quotaBlocks } from "./quota.ts";
import { judge, type Share, shareOf } from "./schedule/filter.ts";
import { holding, type Place, type Placing } from "./schedule/place.ts";
import { findPlacesWithin, verdictWithin } from "./schedule/place-within.ts";
import { claimedUsage } from "./schedule/preempt/claim.ts";
import { expectedEnd } from "./schedule/timeline.ts";
import { otherProblems } from "./schedule/problems.ts";
import type { NodeReason, Shortage, Verdict, WaitReason } from "./schedule/reason.ts";
import { type Blocked, claimsInTheWay, hasRoom, shortageOf } from "./schedule/shortage.ts";
import { judgeClosely } from "./schedule/withheld.ts";
import type { Slices } from "./slices.ts";

/** What the scheduler's own filters say to a job that waits. */
interface Findings {
  readonly places: readonly Place[] | undefined;
  readonly wasKept: boolean;
  readonly quota: readonly QuotaBlock[];
  readonly budget: BudgetBlock | undefined;
}

function lookAt(state: State, job: JobIn<"queued" | "held">, plan: RuntimePlan, at: number): Findings {
  const kind = state.kindOf(job.id);
  const placing: Placing = { kind, at, until: at + plan.ms, jobId: job.id, wasKept: false };
  const { limits } = state.tenant(job.tenantId);
  const [used, kept] = [state.usageOf(job.tenantId), claimedUsage(state, job.tenantId, job.id)];
  const places = findPlacesWithin(state, placing, gpuMemoryLeft(limits, used, kept));
  // A gang may have met room that is kept for others where there would not be enough of it anyway.
  const wasKept = placing.wasKept && hasRoom(state, blockedOf(job.id, kind.demand));
  const wanted = places ? holding(places, kind.demand) : holdingOf(kind.demand);
  return {
    places,
    wasKept,
    quota: quotaBlocks(limits, used, wanted, kept),
    budget: budgetBlockAhead(state, job, plan, at, expectedEnd),
  };
}

/** Why a queued job does not run, by asking the scheduler's own filters: its tenant's limits first, then every node. */
export function whyWaiting(state: State, job: JobIn<"queued">, at: number): WaitReason {
  if (state.nodes.size === 0) return { kind: "no-nodes" };
  const group = state.groupOf(job);
  const { places, wasKept, quota, budget } = lookAt(state, job, state.planOf(group), at);
  if (quota[0]) return { kind: "quota", block: quota[0] };
  if (budget) return { kind: "budget", block: budget };
  if (places) return mayNotPass(state, job)[0] ?? { kind: "next" };
  if (job.claim) return whoLeaves(state, job.claim);
  const blocked = blockedOf(job.id, group.facts.kind.demand);
  if (wasKept) return keptForOthers(state, blocked);
  const claims = claimsInTheWay(state, blocked);
  if (claims.length > 0) return { kind: "claimed", for: claims };
  return { kind: "resources", ...shortageOf(state, blocked), nodes: verdictsOf(state, blocked) };
}

function blockedOf(jobId: JobId, demand: Demand): Blocked {
  return { jobId, demand, share: smallestShare(demand) };
}

function whoLeaves(state: State, claim: Claim) {
  const nodes = claim.shares.map(({ node }) => node);
  return { kind: "preempting", leaving: leavingFrom(state, nodes), nodes } as const;
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

function verdictsOf(state: State, blocked: Blocked): readonly NodeVerdict[] {
  const { jobId, demand, share } = blocked;
  const { tenantId } = state.job(jobId);
  const { limits } = state.tenant(tenantId);
  const leftMb = gpuMemoryLeft(limits, state.usageOf(tenantId), claimedUsage(state, tenantId, jobId));
  return state.cluster.nodes.map((node) => {
    const verdict = judgeClosely(node, demand, share, jobId);
    const quota = { limitMb: limits.gpuMemoryMb, leftMb };
    return { node: node.record.name, verdict: verdictWithin(verdict, node, blocked, quota) };
  });
}

/** Nodes of which all problems are told. */
export const MAX_NODES_TOLD = 1_000;

/** Every node's verdict with all of its problems, those first that come nearest to taking the job. */
function closely(state: State, blocked: Blocked): readonly NodeVerdict[] {
  const verdicts = verdictsOf(state, blocked);
  const ordered = ["fits", "not-now", "never"].flatMap((answer) => {
    return verdicts.filter(({ verdict }) => verdict.answer === answer);
  });
  return ordered.map((it, index) => {
    const node = state.nodes.get(it.node);
    if (!node || it.verdict.answer === "fits" || index >= MAX_NODES_TOLD) return it;
    return { ...it, others: otherProblems(node, blocked, it.verdict.reason) };
  });
}

/** The reservations on nodes where the job would have room. */
function keptForOthers(state: State, { jobId, demand, share }: Blocked) {
  const reservations = state.scheduling.reservations.filter((it) => {
    if (it.jobId === jobId) return false;
    return it.shares.some(({ node: name }) => {
      const node = state.nodes.get(name);
      return node && judge(node, demand, share).answer === "fits";
    });
  });
  const at = reservations.reduce((earliest, it) => Math.min(earliest, it.at), Number.POSITIVE_INFINITY);
  return { kind: "reserved", for: reservations.map((it) => it.jobId), at } as const;
}

/** Where the policy lets nobody pass: whom a job that fits comes after. */
function mayNotPass(state: State, job: Job): readonly (Blocker & { readonly kind: "reserved" })[] {
  const first = state.scheduling.closedBy.get(state.kindOf(job.id).pool);
  if (first === undefined || first === job.id || state.jobs.get(first)?.phase !== "queued") return [];
  return [{ kind: "reserved", for: [first], at: Number.POSITIVE_INFINITY }];
}

/** One thing that keeps a job from starting; unlike {@link WaitReason}, of which there is one, there may be several. */
export type Blocker =
  | { readonly kind: "hold"; readonly hold: Hold }
  | { readonly kind: "no-nodes" }
  | { readonly kind: "quota"; readonly block: QuotaBlock }
  | { readonly kind: "budget"; readonly block: BudgetBlock }
  /** There is room, and it is kept for others who come first. `at` is infinite where it cannot be told. */
  | { readonly kind: "reserved"; readonly for: readonly JobId[]; readonly at: number }
  /** There is room, and it is kept for jobs for which others were stopped. */
  | { readonly kind: "claimed"; readonly for: readonly JobId[] }
  /** Others are being stopped to make room for it, and must have left by `until`. */
  | {
      readonly kind: "preempting";
      readonly leaving: readonly JobId[];
      readonly nodes: readonly NodeName[];
      readonly until: number;
    }
  /** A job without GPUs has only the nodes' verdicts. */
  | (Shortage & { readonly kind: "resources"; readonly gpusWanted: number });

/** What a node says to the smallest part of the job. */
export interface NodeVerdict {
  readonly node: NodeName;
  readonly verdict: Verdict;
  /** What else is in the way there; told of the first {@link MAX_NODES_TOLD} nodes only. */
  readonly others?: readonly NodeReason[];
}

/** Everything that stands between a job and its start. */
export interface Explanation {
  /** The most telling of it; undefined for a job that is not queued. */
  readonly reason: WaitReason | undefined;
  readonly blockers: readonly Blocker[];
  /** Every node's verdict: those that fit first, then those that may later, each in the order in which the nodes joined. */
  readonly nodes: readonly NodeVerdict[];
  /** When it will start as things are; its time is undefined when that cannot be told, and for a job that does not wait. */
  readonly start: Start;
  readonly counterfactuals: Counterfactuals;
}

/** Explains a job that waits; of any other there is nothing to explain. Costs several forecasts from the outlook's moment on. */
export function* explain(state: State, job: Job, outlook: Outlook): Slices<Explanation> {
  const { at } = outlook;
  if (job.phase !== "queued" && job.phase !== "held") {
    const start = waitsForStart(job) ? yield* outlook.startOf(job.id) : UNKNOWN;
    return { reason: undefined, blockers: [], nodes: [], start, counterfactuals: NONE };
  }
  const reason = job.phase === "queued" ? whyWaiting(state, job, at) : undefined;
  const blockers = blockersOf(state, job, at);
  const nodes = closely(state, blockedOf(job.id, state.kindOf(job.id).demand));
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
    ...quota.map((block) => ({ kind: "quota", block }) as const),
    ...(budget ? [{ kind: "budget", block: budget } as const] : []),
    ...(places ? mayNotPass(state, job) : roomBlockers(state, job, wasKept)),
  ];
}

/** What a job that does not fit waits for, besides its tenant's limits. */
function roomBlockers(state: State, job: JobIn<"queued" | "held">, wasKept: boolean): readonly Blocker[] {
  if (state.nodes.size === 0) return [{ kind: "no-nodes" }];
  if (job.phase === "queued" && job.claim) return [{ ...whoLeaves(state, job.claim), until: job.claim.until }];
  const blocked = blockedOf(job.id, state.kindOf(job.id).demand);
  const claims = claimsInTheWay(state, blocked);
  if (!wasKept && claims.length === 0) {
    return [{ kind: "resources", gpusWanted: blocked.demand.gpus, ...shortageOf(state, blocked) }];
  }
  return [
    ...(wasKept ? [keptForOthers(state, blocked)] : []),
    ...(claims.length > 0 ? [{ kind: "claimed", for: claims } as const] : []),
  ];
}

/** How long the job is expected to run: as its newest attempt was, else as it would be if it were placed now. */
export function expectedRuntime(state: State, job: Job): RuntimePlan {
  if (job.plan && job.phase !== "queued" && job.phase !== "held") return job.plan;
  const spec = state.spec(job.id);
  const historyKey = state.history.keyFor(spec, state.kindOf(job.id).shape);
  return planRuntime(state.history, { limitMinutes: spec.maxRuntimeMinutes, historyKey }, state.settings.policy);
}
