import type { JobIn } from "../model/job.ts";
import type { Kind } from "../model/kind.ts";
import type { Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import { type Share, shareOf } from "./filter.ts";
import type { Reservation, ReservedShare } from "./memory.ts";
import { divide } from "./place.ts";
import { gangOutlook, openingRanking } from "./ranking.ts";
import { canStay, firstStay, hasKept, keptClear } from "./timeline.ts";

/** A blocked job, and how long it will need its place. */
interface Blocked {
  readonly job: JobIn<"queued" | "held">;
  readonly kind: Kind;
  readonly durationMs: number;
}

/** When and where a blocked job will fit. */
interface Opening {
  readonly at: number;
  readonly shares: readonly ReservedShare[];
}

/** Beyond so many nodes tried for a place that is clear of other reservations, none is made. */
const MAX_TRIED = 256;

/** Keeps room for a blocked job at the earliest time at which it can run; undefined when no such time can be told. */
export function reserve(state: State, blocked: Blocked, now: number): Reservation | undefined {
  const opening = findOpening(state, blocked, now);
  if (!opening) return undefined;
  const { job, kind, durationMs } = blocked;
  const until = opening.at + durationMs;
  const reservation = { jobId: job.id, pool: kind.pool, at: opening.at, until, shares: opening.shares };
  state.scheduling.reservations.push(reservation);
  for (const { node } of opening.shares) {
    const onNode = state.scheduling.reservedOn.get(node) ?? [];
    onNode.push(reservation);
    state.scheduling.reservedOn.set(node, onNode);
  }
  return reservation;
}

/** Forgets all reservations, and whom nobody may pass: they are made anew in the order in which the jobs' turns come. */
export function clearReservations(state: State): void {
  state.scheduling.reservations = [];
  state.scheduling.closedBy.clear();
  state.scheduling.reservedOn.clear();
}

/** When and where the job will fit, beside all that is kept for others; undefined when no such time can be told. */
export function findOpening(state: State, blocked: Blocked, now: number): Opening | undefined {
  const { demand } = blocked.kind;
  if (demand.gang && demand.gpusPerNode === undefined) return packedOpening(state, blocked, now);
  const perNode = demand.gpusPerNode ?? demand.gpus;
  const share = shareOf(demand, perNode);
  return evenOpening(state, blocked, share, demand.gpus === 0 ? 1 : demand.gpus / perNode, now);
}

/** So many nodes with the same share each: those that have room first. */
function evenOpening(state: State, blocked: Blocked, share: Share, count: number, now: number): Opening | undefined {
  const { kind, durationMs, job } = blocked;
  const stay = { demand: kind.demand, share, jobId: job.id };
  const found: { node: Node; at: number }[] = [];
  let tried = 0;
  const ranking = openingRanking(state, kind, share);
  for (const node of ranking.ascending()) {
    const opens = Math.max(now, ranking.costOf(node));
    // The ones found already are all there by then, and none of the rest is earlier.
    if (found.length >= count && opens >= latest(found, count)) break;
    if (tried >= count + MAX_TRIED) break;
    tried += 1;
    const at = hasKept(state, node) ? firstStay(state, node, { ...stay, from: now, durationMs }, now) : opens;
    if (at === undefined) continue;
    found.push({ node, at });
    found.sort((a, b) => a.at - b.at);
  }
  if (found.length < count) return undefined;
  const at = latest(found, count);
  const fits = ({ node }: { node: Node }) =>
    !hasKept(state, node) || canStay(state, node, { ...stay, from: at, until: at + durationMs }, now);
  const chosen = found.filter(fits).slice(0, count);
  if (chosen.length < count) return undefined;
  return { at, shares: chosen.map(({ node }) => shareOn(node, share)) };
}

function latest(found: readonly { readonly at: number }[], count: number): number {
  return found[count - 1]?.at ?? Number.POSITIVE_INFINITY;
}

/** How many of a gang's GPUs a node takes. */
interface Placed {
  readonly node: Node;
  readonly gpus: number;
}

/** A gang on whatever nodes: the first time at which all nodes together have room, then those that have most. */
function packedOpening(state: State, blocked: Blocked, now: number): Opening | undefined {
  const { demand } = blocked.kind;
  const outlook = gangOutlook(state, blocked.kind);
  const clearAt = (node: Node, from: number) => {
    const stay = { demand, from, until: from + blocked.durationMs, jobId: blocked.job.id };
    return keptClear(state, node, outlook.capacityAt(node, from), stay, now);
  };
  const keepers = [...state.scheduling.reservedOn.keys()].flatMap((name) => state.nodes.get(name) ?? []);
  const at = outlook.firstTime(demand.gpus, now, (when) => {
    return keepers.reduce((sum, node) => sum + outlook.capacityAt(node, when) - clearAt(node, when), 0);
  });
  if (at === undefined) return undefined;
  const places: Placed[] = [];
  for (const { node, gpus } of outlook.capacitiesAt(at)) {
    places.push({ node, gpus: hasKept(state, node) ? clearAt(node, at) : gpus });
  }
  const { ranks } = state.cluster;
  const byName = (a: Placed, b: Placed) => (ranks[a.node.ordinal] ?? 0) - (ranks[b.node.ordinal] ?? 0);
  const taken = divide(demand, largestFirst(places, demand.gpus, byName));
  return { at, shares: taken.map(({ node, share }) => shareOn(node, share)) };
}

/** So many of those that have most that they suffice. */
function largestFirst(
  places: readonly Placed[],
  gpus: number,
  compare: (a: Placed, b: Placed) => number,
): readonly Placed[] {
  const bySize: Placed[][] = [];
  for (const place of places) (bySize[place.gpus] ??= []).push(place);
  const largest: Placed[] = [];
  let sum = 0;
  for (let size = bySize.length - 1; size > 0; size -= 1) {
    for (const place of bySize[size]?.sort(compare) ?? []) {
      if (sum >= gpus) return largest;
      largest.push(place);
      sum += size;
    }
  }
  return largest;
}

function shareOn(node: Node, { gpus, cpuCores, memoryMb }: Share): ReservedShare {
  return { node: node.record.name, gpus, cpuCores, memoryMb };
}
