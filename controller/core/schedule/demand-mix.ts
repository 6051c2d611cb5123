import type { Demand } from "../model/job.ts";
import type { Kind } from "../model/kind.ts";

/** Kinds that a mix holds: the most frequent. */
const MAX_KINDS = 128;
/** A new mix is drawn when so many more jobs have come, as a part of those there were. */
const REFRESH = 0.25;
const MIN_JOBS = 16;

/** One kind of job and the part of all jobs that it makes up. */
export interface MixedDemand {
  readonly demand: Demand;
  readonly weight: number;
}

/**
 * What jobs typically ask for: how useful what is left of a node is, depends on it. Counted over all jobs that came, and
 * drawn anew from time to time, so that what was worked out with it can be kept.
 */
export interface DemandMix {
  readonly counts: Map<string, { readonly demand: Demand; count: number }>;
  total: number;
  drawnAt: number;
  /** The mix that is in use; empty while there is none. */
  drawn: readonly MixedDemand[];
}

/** No job has come yet. */
export function newDemandMix(): DemandMix {
  return { counts: new Map(), total: 0, drawnAt: 0, drawn: [] };
}

/** Counts a job that was submitted. */
export function countDemand(mix: DemandMix, { shape, demand }: Kind, jobs = 1): void {
  const known = mix.counts.get(shape);
  if (known) known.count += jobs;
  else mix.counts.set(shape, { demand, count: jobs });
  mix.total += jobs;
}

/** Draws the mix anew if enough has come since; true when it is another one then. */
export function refreshMix(mix: DemandMix): boolean {
  if (mix.total < Math.max(MIN_JOBS, mix.drawnAt * (1 + REFRESH))) return false;
  const frequent = [...mix.counts.values()].sort((a, b) => b.count - a.count).slice(0, MAX_KINDS);
  const total = frequent.reduce((sum, { count }) => sum + count, 0);
  const before = mix.drawn;
  mix.drawn = frequent.map(({ demand, count }) => ({ demand, weight: count / total }));
  mix.drawnAt = mix.total;
  return !isSame(before, mix.drawn);
}

function isSame(a: readonly MixedDemand[], b: readonly MixedDemand[]): boolean {
  return a.length === b.length && a.every((one, i) => one.demand === b[i]?.demand && one.weight === b[i].weight);
}

/** The same mix for looking ahead. */
export function copyMix(mix: DemandMix): DemandMix {
  const counts = new Map([...mix.counts].map(([shape, counted]) => [shape, { ...counted }]));
  return { ...mix, counts };
}
