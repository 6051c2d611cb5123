import { present } from "../../../base/assert.ts";
import { DAY_MS, MINUTE_MS } from "../../../base/time.ts";

/** How the scheduler decides: what an operator may choose, and nothing that follows from the cluster itself. */
export interface Policy {
  readonly name: string;
  readonly aging: Aging;
  /** Among jobs of equal priority the tenant goes first that used least, counted with this half-life; 0 turns it off. */
  readonly fairShareHalfLifeMs: number;
  /** Among jobs of equal priority and tenants of equal use: as submitted, or the least expected GPU-time first. */
  readonly order: "submission" | "shortest";
  readonly backfill: Backfill;
  /** Which of the jobs that could pass a blocked one do so first (for `easy`). */
  readonly backfillOrder: "queue" | "shortest";
  /** What a running time is taken to be: the job's limit where it has one, or the prediction where there is one. */
  readonly runtimes: "limit" | "prediction";
  /** Which quantile of a history is the prediction, 0 … 1. */
  readonly predictionQuantile: number;
  readonly placement: Placement;
  readonly preemption: PreemptionPolicy;
}

/**
 * What waiting adds to a job's effective priority: `points` for every `stepMs`, without end, so that nobody who comes much
 * later is ever ahead. After `strictAfterMs` it is added continuously, and fair share no longer counts: jobs that have waited
 * for so long keep their order, or two could hold each other up for ever by passing each other in turns.
 */
export interface Aging {
  readonly stepMs: number;
  readonly points: number;
  readonly strictAfterMs: number;
}

/**
 * What may pass a job that is blocked.
 *
 * - `none`: nothing (strict order)
 * - `easy`: what does not delay the first blocked job of each pool (Lifka, "The ANL/IBM SP Scheduling System", JSSPP 1995)
 * - `conservative`: what delays no blocked job (Mu'alem and Feitelson, IEEE TPDS 12(6), 2001)
 * - `greedy`: whatever fits; large jobs may starve
 */
export type Backfill = "none" | "easy" | "conservative" | "greedy";

/** Which of the nodes that fit is taken: see `schedule/score/`. */
export type Placement = "fragmentation" | "best-fit" | "first-fit";

/** What keeps preemption from doing more harm than good. Times in milliseconds. */
export interface PreemptionPolicy {
  /** A job runs at least so long before it can be a victim. */
  readonly minRunMs: number;
  /** A job waits at least so long before it preempts. */
  readonly minWaitMs: number;
  /** GPUs taken from victims for each GPU that the preemptor needs. */
  readonly maxGpusPerGpu: number;
}

/** Of controllers that are told nothing else. */
export const DEFAULT_POLICY: Policy = {
  name: "default",
  aging: { stepMs: 2 * DAY_MS, points: 1_000, strictAfterMs: 10 * DAY_MS },
  fairShareHalfLifeMs: 7 * DAY_MS,
  order: "submission",
  backfill: "easy",
  backfillOrder: "shortest",
  runtimes: "limit",
  predictionQuantile: 0.7,
  placement: "fragmentation",
  preemption: { minRunMs: 5 * MINUTE_MS, minWaitMs: 30_000, maxGpusPerGpu: 2 },
};

/** The policies that have names, the default first. */
export const POLICIES: Readonly<Record<string, Policy>> = Object.fromEntries(
  (
    [
      {},
      { name: "conservative", backfill: "conservative" },
      { name: "shortest-first", order: "shortest", runtimes: "prediction" },
      { name: "best-fit", placement: "best-fit" },
      { name: "first-fit", placement: "first-fit" },
      { name: "greedy", backfill: "greedy", placement: "best-fit" },
      { name: "fifo", backfill: "none", placement: "best-fit", fairShareHalfLifeMs: 0 },
    ] satisfies Partial<Policy>[]
  ).map((change) => {
    const policy = { ...DEFAULT_POLICY, ...change };
    return [policy.name, policy];
  }),
);

/** @throws InvariantError for a name that is none */
export function policyNamed(name: string): Policy {
  return present(POLICIES[name], `policy ${name}`);
}
