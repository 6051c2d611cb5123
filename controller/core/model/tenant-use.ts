import { DAY_MS, HOUR_MS } from "../../../base/time.ts";
import type { JobId, TenantId } from "../../../base/ids.ts";

/** Entries of a tenant's spending that are kept apart; older ones within the longest window are summed by the hour. */
const LONGEST_WINDOW_MS = 366 * DAY_MS;
/** After so many half-lives the present is made light again: beyond 1,024 a weight would be no finite number. */
const MAX_HALF_LIVES = 500;

interface Spending {
  /** GPU-milliseconds by the hour in which they were spent, oldest first. */
  readonly byHour: Map<number, number>;
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
  readonly #weighed = new Map<TenantId, number>();
  readonly #charged = new Map<JobId, number>();
  readonly #committed = new Map<TenantId, number>();
  readonly #spending = new Map<TenantId, Spending>();

  /** @param origin a time near the present: only keeps numbers small */
  constructor(halfLifeMs: number, origin: number) {
    this.#halfLifeMs = halfLifeMs;
    this.#origin = origin;
  }

  /** The same uses for looking ahead: what is added to it is not added here. */
  copy(): TenantUse {
    const copy = new TenantUse(this.#halfLifeMs, this.#origin);
    for (const [id, value] of this.#weighed) copy.#weighed.set(id, value);
    for (const [id, value] of this.#charged) copy.#charged.set(id, value);
    for (const [id, value] of this.#committed) copy.#committed.set(id, value);
    for (const [id, { byHour }] of this.#spending) copy.#spending.set(id, { byHour: new Map(byHour) });
    return copy;
  }

  /** For comparing tenants at one moment: weighed GPU-milliseconds. */
  weighed(tenant: TenantId): number {
    return this.#weighed.get(tenant) ?? 0;
  }

  /** What the tenant's running jobs were charged: GPU-milliseconds. */
  committed(tenant: TenantId): number {
    return this.#committed.get(tenant) ?? 0;
  }

  /** A job starts that is expected to use so many GPU-milliseconds. */
  charge(tenant: TenantId, job: JobId, gpuMs: number, at: number): void {
    this.#add(tenant, gpuMs, at);
    this.#charged.set(job, gpuMs);
    this.#committed.set(tenant, this.committed(tenant) + gpuMs);
  }

  /** The attempt that was charged at `startedAt` has ended, having used so many. */
  settle(tenant: TenantId, job: JobId, gpuMs: number, startedAt: number, at: number): void {
    const charged = this.#charged.get(job) ?? 0;
    this.#add(tenant, gpuMs - charged, startedAt);
    this.#committed.set(tenant, this.committed(tenant) - charged);
    this.#charged.delete(job);
    this.#spend(tenant, gpuMs, at);
  }

  /** GPU-milliseconds of ended attempts within the window that ends at `at`, to the hour. */
  spentSince(tenant: TenantId, windowMs: number, at: number): number {
    let sum = 0;
    for (const [hour, gpuMs] of this.#spending.get(tenant)?.byHour ?? []) {
      if ((hour + 1) * HOUR_MS > at - windowMs) sum += gpuMs;
    }
    return sum;
  }

  /** The first time at which at least so many GPU-milliseconds have left the window; undefined when there are not as many. */
  freedAt(tenant: TenantId, windowMs: number, gpuMs: number, at: number): number | undefined {
    let freed = 0;
    for (const [hour, spent] of this.#spending.get(tenant)?.byHour ?? []) {
      if ((hour + 1) * HOUR_MS <= at - windowMs) continue;
      freed += spent;
      if (freed >= gpuMs) return (hour + 1) * HOUR_MS + windowMs;
    }
    return undefined;
  }

  #add(tenant: TenantId, gpuMs: number, at: number): void {
    if (this.#halfLifeMs === 0) return;
    if (at - this.#origin > MAX_HALF_LIVES * this.#halfLifeMs) this.#moveOrigin(at);
    const weight = 2 ** ((at - this.#origin) / this.#halfLifeMs);
    this.#weighed.set(tenant, this.weighed(tenant) + gpuMs * weight);
  }

  #moveOrigin(at: number): void {
    const factor = 2 ** ((this.#origin - at) / this.#halfLifeMs);
    for (const [tenant, weighed] of this.#weighed) this.#weighed.set(tenant, weighed * factor);
    this.#origin = at;
  }

  #spend(tenant: TenantId, gpuMs: number, at: number): void {
    const spending = this.#spending.get(tenant) ?? { byHour: new Map<number, number>() };
    this.#spending.set(tenant, spending);
    const hour = Math.floor(at / HOUR_MS);
    spending.byHour.set(hour, (spending.byHour.get(hour) ?? 0) + gpuMs);
    for (const old of spending.byHour.keys()) {
      if ((old + 1) * HOUR_MS > at - LONGEST_WINDOW_MS) break;
      spending.byHour.delete(old);
    }
  }
}
