import { type Demand, demandOf, type JobIn, type JobSpec } from "../model/job.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";
import { holdingOf, quotaBlock } from "../quota.ts";
import { place } from "../transition.ts";
import { findPlaces, type Place } from "./place.ts";

/** With fewer nodes than this, a lost node's jobs wait for it unless they ask otherwise: there is no majority to trust. */
const MIN_NODES_TO_MOVE = 3;

/**
 * Starts every queued job that may and can start now, in the order of the queue. A pass over nothing new costs nothing:
 * it runs only when something changed that could let a job start.
 *
 * Within a pass room only shrinks, so one refusal answers for all jobs of the same demand.
 */
export function schedule(state: State, out: Output, at: number): void {
  if (!state.needsPass) return;
  const nodes = [...state.nodes.values()];
  const refused = new Set<string>();
  for (const job of [...state.queue]) {
    if (job.phase !== "queued") continue;
    const spec = state.spec(job.id);
    const { demand, shape } = kindOf(spec);
    if (refused.has(shape)) continue;
    const { limits } = state.tenant(job.tenantId);
    if (quotaBlock(limits, state.usageOf(job.tenantId), holdingOf(spec))) continue;
    const places = findPlaces(nodes, demand);
    if (!places) refused.add(shape);
    else if (!quotaBlock(limits, state.usageOf(job.tenantId), holding(places, demand))) {
      start(state, out, job, spec, places, at);
    }
  }
  state.needsPass = false;
}

interface Kind {
  readonly demand: Demand;
  /** Equal for equal demands. */
  readonly shape: string;
}

/** Worked out once for a spec, which never changes: every pass looks at every job that waits. */
const kinds = new WeakMap<JobSpec, Kind>();

function kindOf(spec: JobSpec): Kind {
  let kind = kinds.get(spec);
  if (!kind) {
    const demand = demandOf(spec);
    kind = { demand, shape: JSON.stringify(demand) };
    kinds.set(spec, kind);
  }
  return kind;
}

/** What the job would hold at these places: GPU memory as asked, else all of the devices'. */
export function holding(places: readonly Place[], demand: Demand) {
  const total = { gpus: 0, gpuMemoryMb: 0, cpuCores: 0, memoryMb: 0 };
  for (const { devices, share } of places) {
    total.gpus += devices.length;
    total.gpuMemoryMb += gpuMemoryOf(devices, demand);
    total.cpuCores += share.cpuCores;
    total.memoryMb += share.memoryMb;
  }
  return total;
}

function start(
  state: State,
  out: Output,
  job: JobIn<"queued">,
  spec: JobSpec,
  places: readonly Place[],
  at: number,
): void {
  const demand = demandOf(spec);
  const movesWhenLost =
    spec.onNodeLost === undefined ? state.nodes.size >= MIN_NODES_TO_MOVE : spec.onNodeLost === "requeue";
  const shares = places.map(({ node, devices, share }, rank) => ({
    rank,
    node: node.record.name,
    devices: devices.map((device) => device.id),
    cpuCores: share.cpuCores,
    memoryMb: share.memoryMb,
    gpuMemoryMb: gpuMemoryOf(devices, demand),
    movesWhenLost,
  }));
  place(state, out, job, shares, at);
}

function gpuMemoryOf(devices: Place["devices"], demand: Demand): number {
  return devices.reduce((sum, device) => sum + (demand.gpuMemoryMb || device.memoryMb), 0);
}
