import type { JobId } from "../../../../base/ids.ts";
import type { Allocation } from "../../model/allocation.ts";
import type { Demand, Job } from "../../model/job.ts";
import type { Kind } from "../../model/kind.ts";
import type { Node } from "../../model/node.ts";
import type { State } from "../../model/state.ts";
import { shareOf } from "../filter.ts";
import { NodeRanking } from "../node-ranking.ts";
import { capacityOf, type Site, siteOf } from "./site.ts";
import { isWithin, limitFor, mayYield } from "./victim.ts";

/** Above any time in milliseconds. */
const TIME_SCALE = 2 ** 42;
/** No limits of time: everything that is being stopped leaves. */
const ANY_TIME = { at: 0, until: 0, reservations: [] } as const;

/** A node, and who could leave it. */
interface Yield {
  readonly site: Site;
  readonly gone: ReadonlySet<JobId>;
  readonly held: readonly Allocation[];
  /** When the youngest of them began, or last reported a checkpoint. */
  readonly newest: number;
}

/**
 * The nodes on which a job of this kind and priority could run if others left, in the order in which it is worth to look at
 * them. How long jobs have run and what is kept for others is not looked at, so that only changes of nodes matter.
 *
 * For a job that needs the same on each of its nodes: first where the fewest must leave at least ({@link leastLeaving}), then
 * where the youngest work is. For a gang that takes any part: where the fewest leave for each GPU.
 */
export function yieldingRanking(state: State, { demand, shape }: Kind, priority: number): NodeRanking {
  return state.scheduling.yielding.recall(`${shape} ${priority}`, () => {
    return new NodeRanking(state.cluster, (node) => {
      const found = yieldOf(state, node, demand, priority);
      if (!found) return Number.POSITIVE_INFINITY;
      return takesAnyPart(demand) ? costOfPart(found, demand) : costOfShare(found, demand);
    });
  });
}

/** Of a node of the ranking of an even job: how many must leave it at least. */
export function leastLeaving(cost: number): number {
  return Math.floor(cost / TIME_SCALE);
}

/** Whether any node may take any number of the job's GPUs. */
export function takesAnyPart(demand: Demand): boolean {
  return demand.gang && demand.gpusPerNode === undefined;
}

function yieldOf(state: State, node: Node, demand: Demand, priority: number): Yield | undefined {
  const site = siteOf(state, node, { demand, ...ANY_TIME });
  if (!site) return undefined;
  const limit = limitFor(demand, state.settings.policy.preemption.maxGpusPerGpu);
  const gone = new Set<JobId>();
  const held: Allocation[] = [];
  let newest = 0;
  for (const [id, allocation] of node.jobs) {
    const job = state.job(id);
    if (!mayYield(state, job, priority) || !isWithin(limit, job, allocation)) continue;
    gone.add(id);
    held.push(allocation);
    newest = Math.max(newest, safeSince(job));
  }
  return { site, gone, held, newest };
}

function safeSince(job: Job): number {
  return job.checkpointAt ?? job.startedAt ?? job.placedAt ?? 0;
}

function costOfShare({ site, gone, held, newest }: Yield, demand: Demand): number {
  const share = shareOf(demand, demand.gpusPerNode ?? demand.gpus);
  const needed = Math.max(share.gpus, 1);
  if (capacityOf(site, demand, gone) < needed) return Number.POSITIVE_INFINITY;
  if (capacityOf(site, demand, NOBODY) >= needed) return 0;
  const [{ slots, cpuCores, memoryMb }] = site.moments;
  const fitting = slots.filter(({ milli }) => milli >= demand.milli).length;
  const least = Math.max(
    1,
    fewest(
      held.map(({ devices }) => devices.length),
      share.gpus - fitting,
    ),
    fewest(
      held.map((allocation) => allocation.cpuCores),
      share.cpuCores - cpuCores,
    ),
    fewest(
      held.map((allocation) => allocation.memoryMb),
      share.memoryMb - memoryMb,
    ),
  );
  return least * TIME_SCALE + (TIME_SCALE - 1 - newest);
}

function costOfPart({ site, gone, held }: Yield, demand: Demand): number {
  const most = capacityOf(site, demand, gone);
  if (most === 0) return Number.POSITIVE_INFINITY;
  const free = capacityOf(site, demand, NOBODY);
  return most === free ? 0 : held.length / (most - free);
}

/** The smallest number of the parts that together are as much as is missing. */
function fewest(parts: readonly number[], missing: number): number {
  let [count, rest] = [0, missing];
  for (const part of parts.toSorted((a, b) => b - a)) {
    if (rest <= 0) break;
    count += 1;
    rest -= part;
  }
  return count;
}

const NOBODY: ReadonlySet<JobId> = new Set();
