import { budgetBlock } from "./budget.ts";
import { type Demand, type JobIn } from "./model/job.ts";
import type { State } from "./model/state.ts";
import { planRuntime } from "./model/runtime-history.ts";
import { holdingOf, quotaBlock } from "./quota.ts";
import { isSuitable, judge, nodeObstacle, roomOn, type Share, shareOf } from "./schedule/filter.ts";
import { holding } from "./schedule/pass.ts";
import { findPlaces, type Placing } from "./schedule/place.ts";
import type { WaitReason } from "./schedule/reason.ts";

/** Why a queued job does not run, by asking the scheduler's own filters: its tenant's limits first, then every node. */
export function whyWaiting(state: State, job: JobIn<"queued">, at: number): WaitReason {
  const { kind } = state.groupOf(job).facts;
  const { demand } = kind;
  if (state.nodes.size === 0) return { kind: "no-nodes" };
  const plan = planRuntime(state.history, state.groupOf(job).facts, state.settings.policy);
  const placing: Placing = { kind, at, until: at + plan.ms, jobId: job.id, wasKept: false };
  const places = findPlaces(state, placing);
  const spec = state.spec(job.id);
  const tenant = state.tenant(job.tenantId);
  const wanted = places ? holding(places, demand) : holdingOf(spec);
  const block = quotaBlock(tenant.limits, state.usageOf(job.tenantId), wanted);
  if (block) return { kind: "quota", block };
  const budget = budgetBlock(state, tenant, spec, plan, at);
  if (budget) return { kind: "budget", block: budget };
  if (places) return { kind: "next" };
  if (placing.wasKept) {
    const { reservations } = state.scheduling;
    const first = reservations.reduce((earliest, it) => Math.min(earliest, it.at), Number.POSITIVE_INFINITY);
    return { kind: "reserved", for: [...reservations.map((it) => it.jobId), ...state.claims.keys()], at: first };
  }
  return whatIsMissing(state, demand);
}

/** What one rank asks of one node at least. */
export function smallestShare(demand: Demand): Share {
  return shareOf(demand, demand.gpusPerNode ?? (demand.gang ? 1 : demand.gpus));
}

function whatIsMissing(state: State, demand: Demand): WaitReason {
  const share = smallestShare(demand);
  let gpusFree = 0;
  let gpusSuitable = 0;
  const nodes = [];
  for (const node of state.nodes.values()) {
    nodes.push({ node: node.record.name, verdict: judge(node, demand, share) });
    if (nodeObstacle(node, demand)) continue;
    gpusFree += roomOn(node, demand).devices.length;
    gpusSuitable += node.record.inventory.devices.filter((device) => isSuitable(device, demand)).length;
  }
  return { kind: "resources", gpusFree, gpusSuitable, nodes };
}
