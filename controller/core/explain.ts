import { demandOf, type JobIn } from "./model/job.ts";
import type { State } from "./model/state.ts";
import { holdingOf, quotaBlock } from "./quota.ts";
import { isSuitable, judge, nodeObstacle, roomOn, shareOf } from "./schedule/filter.ts";
import { holding } from "./schedule/pass.ts";
import { findPlaces } from "./schedule/place.ts";
import type { WaitReason } from "./schedule/reason.ts";

/** Why a queued job does not run, by asking the scheduler's own filters: the tenant's quota first, then every node. */
export function whyWaiting(state: State, job: JobIn<"queued">): WaitReason {
  const demand = demandOf(state.spec(job.id));
  if (state.nodes.size === 0) return { kind: "no-nodes" };
  const places = findPlaces([...state.nodes.values()], demand);
  const limits = state.tenant(job.tenantId).limits;
  const wanted = places ? holding(places, demand) : holdingOf(state.spec(job.id));
  const block = quotaBlock(limits, state.usageOf(job.tenantId), wanted);
  if (block) return { kind: "quota", block };
  if (places) return { kind: "next" };

  const share = shareOf(demand, demand.gpusPerNode ?? (demand.gang ? 1 : demand.gpus));
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
