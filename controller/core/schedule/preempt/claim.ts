import type { JobId, TenantId } from "../../../../base/ids.ts";
import { type ClaimedShare, type Demand, type JobIn, WHOLE_DEVICE } from "../../model/job.ts";
import type { Node } from "../../model/node.ts";
import type { State } from "../../model/state.ts";
import { noUsage, type Usage } from "../../model/tenant.ts";
import { isSuitable, nodeObstacle } from "../filter.ts";
import { gpuMemoryOf, type Place } from "../place.ts";
import { compareTurns, turnOf } from "../turn.ts";

/** The jobs that room is kept for, in the order of their turns. */
export function claimHolders(state: State, at: number): readonly JobIn<"queued">[] {
  if (state.claims.size === 0) return [];
  const turns = [...state.claims.keys()].flatMap((id) => {
    const job = state.job(id);
    return job.phase === "queued" ? [turnOf(state, job, state.groupOf(job), at)] : [];
  });
  return turns.sort(compareTurns).map(({ job }) => job);
}

/** The places that are kept for the job; undefined while others are still there. */
export function claimedPlaces(state: State, job: JobIn<"queued">): readonly Place[] | undefined {
  const { demand } = state.groupOf(job).facts.kind;
  const places: Place[] = [];
  for (const share of job.claim?.shares ?? []) {
    const node = state.nodes.get(share.node);
    const place = node && placeOf(node, demand, share);
    if (!place) return undefined;
    places.push(place);
  }
  return places.length > 0 ? places : undefined;
}

function placeOf(node: Node, demand: Demand, { devices: ids, cpuCores, memoryMb }: ClaimedShare): Place | undefined {
  if (nodeObstacle(node, demand)) return undefined;
  const { inventory } = node.record;
  if (inventory.cpuCores - node.cpuCoresUsed < cpuCores || inventory.memoryMb - node.memoryMbUsed < memoryMb)
    return undefined;
  const devices = inventory.devices.filter(({ id }) => ids.includes(id));
  const areFree = devices.every((device) => {
    if (node.withheld.has(device.id) || !isSuitable(device, demand)) return false;
    const held = (node.held.get(device.id) ?? []).reduce((sum, { milli }) => sum + milli, 0);
    return held + demand.milli <= WHOLE_DEVICE;
  });
  if (!areFree || devices.length < ids.length) return undefined;
  return { node, devices, share: { gpus: devices.length, cpuCores, memoryMb } };
}

/**
 * What will be the tenant's own once others have left: the room that is kept for its jobs, but for that of one of them.
 * Undefined when nothing is. So no other job of the tenant takes the quota for which victims were stopped.
 */
export function claimedUsage(state: State, tenantId: TenantId, except: JobId): Usage | undefined {
  if (state.claims.size === 0) return undefined;
  const sum = noUsage();
  for (const [id, { shares }] of state.claims) {
    const job = state.job(id);
    if (id === except || job.tenantId !== tenantId || job.phase !== "queued") continue;
    const { demand } = state.groupOf(job).facts.kind;
    sum.jobs += 1;
    for (const share of shares) {
      const devices = state.nodes
        .get(share.node)
        ?.record.inventory.devices.filter(({ id: own }) => share.devices.includes(own));
      sum.gpuMilli += share.devices.length * demand.milli;
      sum.gpuMemoryMb += gpuMemoryOf(devices ?? [], demand);
      sum.cpuCores += share.cpuCores;
      sum.memoryMb += share.memoryMb;
    }
  }
  return sum;
}
