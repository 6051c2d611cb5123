import type { TenantId } from "../../../base/ids.ts";
import { HOUR_MS, MINUTE_MS } from "../../../base/time.ts";
import type { JobSpec, RuntimePlan } from "./job.ts";
import type { Policy } from "./policy.ts";

/** Running times that are kept for each key: the newest. */
const MAX_SAMPLES = 24;
/** Fewer say too little. */
const MIN_SAMPLES = 3;
/** Beyond so many keys the one that was used longest ago is forgotten. */
const MAX_KEYS = 50_000;
/** What a job is taken to run of which nothing at all is known. */
const UNKNOWN_MS = 4 * HOUR_MS;

/** By what jobs are similar, as a key, the most telling first. */
type Similarity = (spec: JobSpec, shape: string) => string;
const MOST_SIMILAR: Similarity = (spec, shape) => `${spec.tenantId} a ${spec.name} ${spec.image ?? ""} ${shape}`;
const SIMILARITIES: readonly Similarity[] = [
  MOST_SIMILAR,
  (spec) => `${spec.tenantId} b ${spec.name} ${spec.image ?? ""}`,
  (spec, shape) => `${spec.tenantId} c ${shape}`,
  (spec) => `${spec.tenantId} d ${spec.gpuCount}`,
  (spec) => `${spec.tenantId} e`,
];

/** Never changed: a frozen history has the same. */
interface Samples {
  readonly tenantId: TenantId;
  /** In the order in which the runs ended. */
  readonly newest: readonly number[];
  readonly sorted: readonly number[];
}

/**
 * How long jobs ran, by tenant and similarity. A prediction is a quantile of the newest runs of the most similar jobs of which
 * there are enough: unlike a mean, one run that hung for a week does not move it.
 *
 * Source of the idea that a user's last runs predict the next better than what users ask for: Tsafrir, Etsion, Feitelson,
 * "Backfilling Using System-Generated Predictions", IEEE TPDS 18(6), 2007.
 */
export class RuntimeHistory {
  /** In the order of last use. */
  readonly #byKey: Map<string, Samples>;
  readonly #isFrozen: boolean;
  /** How many runs have been added: until there is another one, predictions stay as they are. */
  runs = 0;
  readonly #rekeyed = new Set<TenantId>();

  constructor(byKey = new Map<string, Samples>(), isFrozen = false) {
    this.#byKey = byKey;
    this.#isFrozen = isFrozen;
  }

  /** The same history for looking ahead: nothing is added to it. */
  frozen(): RuntimeHistory {
    return this.#isFrozen ? this : new RuntimeHistory(new Map(this.#byKey), true);
  }

  /** A job of this spec ran to its own end. */
  add(spec: JobSpec, shape: string, ranMs: number): void {
    if (this.#isFrozen) return;
    this.runs += 1;
    for (const similarity of SIMILARITIES) {
      const key = similarity(spec, shape);
      const known = this.#byKey.get(key);
      const newest = [...(known?.newest ?? []), ranMs];
      const sorted = [...(known?.sorted ?? [])];
      sorted.splice(lowerBound(sorted, ranMs), 0, ranMs);
      const oldest = newest.length > MAX_SAMPLES ? newest.shift() : undefined;
      if (oldest !== undefined) sorted.splice(lowerBound(sorted, oldest), 1);
      this.#byKey.delete(key);
      this.#byKey.set(key, { tenantId: spec.tenantId, newest, sorted });
      if (newest.length === MIN_SAMPLES) this.#rekeyed.add(spec.tenantId);
    }
    for (const [key, { tenantId, newest }] of this.#byKey) {
      if (this.#byKey.size <= MAX_KEYS) break;
      this.#byKey.delete(key);
      if (newest.length >= MIN_SAMPLES) this.#rekeyed.add(tenantId);
    }
  }

  /** The tenants some of whose jobs may have another key than when this was last called. */
  takeRekeyed(): ReadonlySet<TenantId> {
    const rekeyed = new Set(this.#rekeyed);
    this.#rekeyed.clear();
    return rekeyed;
  }

  get hasRekeyed(): boolean {
    return this.#rekeyed.size > 0;
  }

  /**
   * As if all of the runs had been added, the oldest first; the history must be empty. Cheap for many runs of which most are too
   * old to count: where the most similar jobs have enough newer ones, the less similar have them as well.
   *
   * @param runs the newest first
   */
  addAll(runs: Iterable<{ readonly spec: JobSpec; readonly shape: string; readonly ranMs: number }>): void {
    const newestFirst = new Map<string, { readonly tenantId: TenantId; readonly ranMs: number[] }>();
    for (const { spec, shape, ranMs } of runs) {
      this.runs += 1;
      if ((newestFirst.get(MOST_SIMILAR(spec, shape))?.ranMs.length ?? 0) >= MAX_SAMPLES) continue;
      for (const similarity of SIMILARITIES.toReversed()) {
        const key = similarity(spec, shape);
        const samples = newestFirst.get(key) ?? { tenantId: spec.tenantId, ranMs: [] };
        newestFirst.set(key, samples);
        if (samples.ranMs.length < MAX_SAMPLES) samples.ranMs.push(ranMs);
      }
    }
    for (const [key, { tenantId, ranMs }] of [...newestFirst].slice(0, MAX_KEYS).toReversed()) {
      this.#byKey.set(key, { tenantId, newest: ranMs.toReversed(), sorted: ranMs.toSorted((a, b) => a - b) });
    }
  }

  /** The key of the most similar jobs of which enough have run; empty when there are none. */
  keyFor(spec: JobSpec, shape: string): string {
    for (const similarity of SIMILARITIES) {
      const key = similarity(spec, shape);
      if ((this.#byKey.get(key)?.newest.length ?? 0) >= MIN_SAMPLES) return key;
    }
    return "";
  }

  /** Whether no runs can ever tell more of a job than those of this key. */
  isMostTelling(key: string): boolean {
    const known = this.#byKey.get(key);
    return known !== undefined && known.newest.length >= MIN_SAMPLES && key.startsWith(`${known.tenantId} a `);
  }

  /** @param quantile 0 … 1 */
  predict(key: string, quantile: number): { readonly ms: number; readonly samples: number } | undefined {
    const sorted = this.#byKey.get(key)?.sorted;
    if (!sorted || sorted.length === 0) return undefined;
    const index = Math.min(sorted.length - 1, Math.floor(quantile * sorted.length));
    return { ms: Math.max(sorted[index] ?? 0, 1), samples: sorted.length };
  }
}

/** Whether the history has a say in how long a job of that limit is expected to run. */
export function predicts({ runtimes }: Pick<Policy, "runtimes">, limitMinutes: number | undefined): boolean {
  return runtimes === "prediction" || limitMinutes === undefined;
}

/**
 * How long a job is expected to run: its limit or the prediction, whichever the policy asks for first, and never more than
 * its limit.
 */
export function planRuntime(
  history: RuntimeHistory,
  question: { readonly limitMinutes: number | undefined; readonly historyKey: string },
  policy: { readonly runtimes: "limit" | "prediction"; readonly predictionQuantile: number },
): RuntimePlan {
  const limitMs = (question.limitMinutes ?? Number.POSITIVE_INFINITY) * MINUTE_MS;
  if (!predicts(policy, question.limitMinutes)) return { ms: limitMs, basis: "limit" };
  const prediction = history.predict(question.historyKey, policy.predictionQuantile);
  if (prediction && prediction.ms < limitMs)
    return { ms: prediction.ms, basis: "history", samples: prediction.samples };
  return Number.isFinite(limitMs) ? { ms: limitMs, basis: "limit" } : { ms: UNKNOWN_MS, basis: "guess" };
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
