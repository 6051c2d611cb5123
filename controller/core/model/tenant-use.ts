import { DAY_MS, HOUR_MS } from "../../../base/time.ts";
import type { JobId, TenantId } from "../../../base/ids.ts";
import { MAX_BUDGET_WINDOW_DAYS } from "./tenant.ts";

const LONGEST_WINDOW_MS = MAX_BUDGET_WINDOW_DAYS * DAY_MS;
/** After so many half-lives the present is made light again: beyond 1,024 a weight would be no finite number. */
const MAX_HALF_LIVES = 500;

interface Use {
  weighed: number;
  committed: number;
  /** GPU-milliseconds by the hour in which they were spent, oldest first. */
  byHour: Map<number, number>;
  newestHour: number;
  /** Whether a copy has the same hours: then they are not changed. */
  isShared: boolean;
  /** What running jobs will have used beyond what they were charged. */
  readonly overruns: Map<JobId, number>;
  /** What was last asked: the sum since an hour. */
  sum: { readonly since: number; readonly gpuMs: number } | undefined;
}

/**
 * What tenants have used of the cluster's GPUs: for fair share, where the past fades, and for budgets, where it falls out
 * of a window.
 *
 * Fading is done by making the present heavier: a charge at time t weighs 2^(t / half-life), so that the order of tenants
 * never changes by time passing, and nothing has to be recomputed. A job is charged what it is expected to use when it
 * starts, so that a burst cannot win by starting all at once, and what it did use when it ends.
 */
export class TenantUse {
  readonly #halfLifeMs: number;
  #origin: number;
  readonly #byTenant = new Map<TenantId, Use>();

  /** @param origin a time near the present: only keeps numbers small */
  constructor(halfLifeMs: number, origin: number) {
    this.#halfLifeMs = halfLifeMs;
    this.#origin = origin;
  }

  /** The same uses for looking ahead: what is added to it is not added here. */
  copy(): TenantUse {
    const copy = new TenantUse(this.#halfLifeMs, this.#origin);
    for (const [id, use] of this.#byTenant) {
      use.isShared = true;
      copy.#byTenant.set(id, { ...use, overruns: new Map(use.overruns) });
    }
    return copy;
  }

  /** For comparing tenants at one moment: weighed GPU-milliseconds. */
  weighed(tenant: TenantId): number {
    return this.#byTenant.get(tenant)?.weighed ?? 0;
  }

  /** What the tenant's running jobs are expected to use: GPU-milliseconds. */
  committed(tenant: TenantId): number {
    return this.#byTenant.get(tenant)?.committed ?? 0;
  }

  /** A job starts that is expected to use so many GPU-milliseconds. */
  charge(tenant: TenantId, gpuMs: number, at: number): void {
    const use = this.#useOf(tenant);
    this.#weigh(use, gpuMs, at);
    use.committed += gpuMs;
  }

  /** A running job is expected to use so many GPU-milliseconds more than it was charged; 0 for one that has ended. */
  outrun(tenant: TenantId, job: JobId, gpuMs: number): void {
    const use = this.#byTenant.get(tenant);
    if (!use) return;
    use.committed += gpuMs - (use.overruns.get(job) ?? 0);
    if (gpuMs > 0) use.overruns.set(job, gpuMs);
    else use.overruns.delete(job);
  }

  /** The attempt that was charged so many at `startedAt` has ended, having used `gpuMs`. */
  settle(tenant: TenantId, charged: number, gpuMs: number, startedAt: number, at: number): void {
    const use = this.#useOf(tenant);
    this.#weigh(use, gpuMs - charged, startedAt);
    use.committed -= charged;
    spend(use, gpuMs, at);
  }

  /** GPU-milliseconds of ended attempts within the window that ends at `at`, to the hour. */
  spentSince(tenant: TenantId, windowMs: number, at: number): number {
    const use = this.#byTenant.get(tenant);
    if (!use) return 0;
    const since = Math.floor((at - windowMs) / HOUR_MS);
    if (use.sum?.since !== since) {
      let gpuMs = 0;
      for (const [hour, spent] of use.byHour) if (hour >= since) gpuMs += spent;
      use.sum = { since, gpuMs };
    }
    return use.sum.gpuMs;
  }

  /**
   * The first time at which at least so many GPU-milliseconds have left the window; undefined when there are not as many.
   *
   * @param ahead what will be spent: when, in the order of time, and how much
   */
  freedAt(
    tenant: TenantId,
    windowMs: number,
    gpuMs: number,
    at: number,
    ahead: readonly { readonly at: number; readonly gpuMs: number }[] = [],
  ): number | undefined {
    let freed = 0;
    const later = ahead.map((it) => [Math.floor(it.at / HOUR_MS), it.gpuMs] as const);
    for (const [hour, spent] of [...(this.#byTenant.get(tenant)?.byHour ?? []), ...later]) {
      if ((hour + 1) * HOUR_MS <= at - windowMs) continue;
      freed += spent;
      if (freed >= gpuMs) return (hour + 1) * HOUR_MS + windowMs;
    }
    return undefined;
  }

  #useOf(tenant: TenantId): Use {
    let use = this.#byTenant.get(tenant);
    if (!use) {
      const byHour = new Map<number, number>();
      use = { weighed: 0, committed: 0, byHour, newestHour: 0, isShared: false, overruns: new Map(), sum: undefined };
      this.#byTenant.set(tenant, use);
    }
    return use;
  }

  #weigh(use: Use, gpuMs: number, at: number): void {
    if (this.#halfLifeMs === 0) return;
    if (at - this.#origin > MAX_HALF_LIVES * this.#halfLifeMs) this.#moveOrigin(at);
    use.weighed += gpuMs * 2 ** ((at - this.#origin) / this.#halfLifeMs);
  }

  #moveOrigin(at: number): void {
    const factor = 2 ** ((this.#origin - at) / this.#halfLifeMs);
    for (const use of this.#byTenant.values()) use.weighed *= factor;
    this.#origin = at;
  }
}

function spend(use: Use, gpuMs: number, at: number): void {
  const hour = Math.floor(at / HOUR_MS);
  if (use.isShared) use.byHour = new Map(use.byHour);
  use.isShared = false;
  use.sum = undefined;
  const { byHour } = use;
  const isLate = hour < use.newestHour && !byHour.has(hour);
  byHour.set(hour, (byHour.get(hour) ?? 0) + gpuMs);
  // A node that was silent tells of ends that are long past.
  if (isLate) use.byHour = new Map([...byHour].sort(([a], [b]) => a - b));
  use.newestHour = Math.max(use.newestHour, hour);
  for (const old of use.byHour.keys()) {
    if ((old + 1) * HOUR_MS > at - LONGEST_WINDOW_MS) break;
    use.byHour.delete(old);
  }
}
