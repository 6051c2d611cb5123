import type { Random } from "../support/random.ts";

/** Every kind of fault, and how long it is between two of a kind at the most and at the least, in seconds of true time. */
export const FAULTS = {
  "controller crash": [20, 200],
  "controller restart": [30, 200],
  "controller pause": [20, 150],
  "agent crash": [5, 120],
  "agent pause": [10, 120],
  reboot: [40, 300],
  "node leaves for good": [200, 600],
  "host confirmed dead": [60, 300],
  "node joins": [60, 300],
  "stream breaks": [3, 60],
  "partition of an agent": [15, 150],
  "one-way partition of an agent": [15, 150],
  "agent crash while it is cut off": [40, 250],
  "partition between agents": [15, 150],
  "split of the cluster": [20, 150],
  "split that moves": [80, 250],
  "split as nodes join": [80, 250],
  "leader's words lost": [80, 250],
  "no controllers": [60, 300],
  "controller cut off from the store": [20, 150],
  "store without a majority": [60, 300],
  "leader's lease lost": [40, 300],
  "store full": [30, 200],
  "tenant changes": [10, 120],
  cancellation: [3, 40],
} as const satisfies Readonly<Record<string, readonly [number, number]>>;

/** What is so for the whole of a seed. */
export const CONDITIONS = [
  "clock rates",
  "clock skew",
  "slow network",
  "slow store",
  "store refusals",
  "lost answers",
  "duplicates",
  "start failure",
  "slow starts",
  "slow journals",
  "late hellos",
] as const;

export type FaultKind = keyof typeof FAULTS;
export type Condition = (typeof CONDITIONS)[number];

/** The ratio of two clocks' rates is within the tenth that the agents' lease allows for. */
const SLOWEST_CLOCK = 0.955;
const FASTEST_CLOCK = 1.05;
const MAX_SKEW_MS = 20_000;

/** So many seeds are about splits alone: beside other faults a split is seldom long enough to matter. */
const SHARE_OF_SPLITS = 0.25;
const SPLIT_MEAN_MS = 50_000;
const SPLITS = ["split of the cluster", "split that moves", "split as nodes join", "leader's words lost"] as const;

/** What goes wrong in a seed: a random subset of all that can, at random rates. */
export class Faults {
  readonly random: Random;
  /** By kind, the mean time between two of them in milliseconds. */
  readonly meanMs = new Map<FaultKind, number>();
  readonly conditions = new Set<Condition>();
  readonly maxStartMs: number;
  readonly maxSyncMs: number;
  /** None of it any more. */
  isOver = false;

  /** @param always go wrong in any seed, as often as they can */
  constructor(random: Random, always: readonly (FaultKind | Condition)[] = []) {
    this.random = random;
    const share = random.next();
    for (const [kind, [least, most]] of Object.entries(FAULTS) as [FaultKind, readonly [number, number]][]) {
      const meanMs = random.between(least, most) * 1_000;
      if (random.next() < share) this.meanMs.set(kind, meanMs);
    }
    for (const condition of CONDITIONS) if (random.next() < share) this.conditions.add(condition);
    if (random.next() < SHARE_OF_SPLITS) {
      this.meanMs.clear();
      this.conditions.clear();
      for (const kind of SPLITS) if (random.next() < 0.5) this.meanMs.set(kind, SPLIT_MEAN_MS * 2);
      if (this.meanMs.size === 0) this.meanMs.set("split of the cluster", SPLIT_MEAN_MS);
    }
    for (const fault of always) {
      if (isCondition(fault)) this.conditions.add(fault);
      else this.meanMs.set(fault, FAULTS[fault][0] * 1_000);
    }
    this.maxStartMs = this.has("slow starts") ? 20_000 : 500;
    this.maxSyncMs = this.has("slow journals") ? 5_000 : 20;
  }

  has(condition: Condition): boolean {
    return this.conditions.has(condition);
  }

  /** Whether something that may go wrong now does. */
  strikes(condition: Condition): boolean {
    return !this.isOver && this.has(condition) && this.random.next() < 0.15;
  }

  /** A process's clocks. */
  drawClock(): { readonly rate: number; readonly skewMs: number } {
    const span = FASTEST_CLOCK - SLOWEST_CLOCK;
    const rate = SLOWEST_CLOCK + this.random.next() * span;
    const skewMs = (this.random.next() * 2 - 1) * MAX_SKEW_MS;
    return { rate: this.has("clock rates") ? rate : 1, skewMs: this.has("clock skew") ? skewMs : 0 };
  }

  /** Until the next of the kind. */
  nextMs(kind: FaultKind): number | undefined {
    const meanMs = this.meanMs.get(kind);
    return meanMs === undefined ? undefined : -Math.log(1 - this.random.next()) * meanMs;
  }
}

function isCondition(fault: FaultKind | Condition): fault is Condition {
  return CONDITIONS.some((condition) => condition === fault);
}
