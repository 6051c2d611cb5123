/** What tenants with a budget use, counted from what became of their jobs, apart from the core's own count. */
import { allocationName, type TenantId } from "../../base/ids.ts";
import { isHeld } from "../../controller/core/model/allocation.ts";
import { gpusOf, type Job } from "../../controller/core/model/job.ts";
import type { CoreWorld } from "./core-world.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface Attempt {
  readonly tenantId: TenantId;
  readonly gpus: number;
  readonly plannedMs: number;
  readonly placedAt: number;
  /** Of its allocations. */
  readonly names: readonly string[];
  over: Over | undefined;
}

/** When an attempt ended, and when that was known: one whose node was given up may have ended before, or not yet. */
interface Over {
  readonly endedAt: number;
  readonly knownAt: number;
}

export class GpuHours {
  readonly #attempts = new Map<string, Attempt>();
  /** When ranks ended, by the name of their allocation: a node may have had nobody to tell it to, or have lost it in a reboot. */
  readonly #rankEnds = new Map<string, number>();
  /** What nodes knew when they were looked at last. */
  #known: ReadonlySet<string> = new Set();
  /** Starts of jobs of tenants with a budget that were looked at. */
  starts = 0;

  /** @throws when an attempt that has just been placed brings its tenant over its budget */
  look(w: CoreWorld): void {
    const starters = new Set<TenantId>();
    this.#noteRankEnds(w);
    for (const job of w.state.jobs.values()) {
      const { gpuHoursBudget } = w.state.tenant(job.tenantId);
      if (gpuHoursBudget === undefined || job.attempt === 0 || !this.#note(w, job)) continue;
      // Jobs without GPUs run whatever has been used.
      if (w.state.spec(job.id).gpuCount > 0) starters.add(job.tenantId);
    }
    for (const id of starters) {
      this.starts += 1;
      const { gpuHoursBudget: hours = 0, budgetWindowDays: days = 30 } = w.state.tenant(id);
      const used = this.used(id, days, w.now, "endedAt");
      if (used > hours) throw new Error(`tenant ${id} has used or is expected to use ${used} of ${hours} GPU-hours`);
    }
  }

  /**
   * GPU-hours of ended attempts in the window, and what those that go on were expected to use.
   *
   * @param by `endedAt` the least that can be said, `knownAt` the most
   */
  used(id: TenantId, windowDays: number, now: number, by: keyof Over): number {
    let sum = 0;
    for (const { tenantId, gpus, plannedMs, placedAt, over } of this.#attempts.values()) {
      const endedAt = over?.[by];
      if (tenantId !== id || (endedAt !== undefined && endedAt <= now - windowDays * DAY_MS)) continue;
      sum += gpus * (endedAt === undefined ? plannedMs : endedAt - placedAt);
    }
    return sum / HOUR_MS;
  }

  #noteRankEnds(w: CoreWorld): void {
    const known = new Set<string>();
    for (const { running } of w.nodes.values()) {
      for (const [name, { state }] of running) {
        known.add(name);
        if (state.phase === "ended") this.#rankEnds.set(name, state.endedAt ?? w.now);
      }
    }
    for (const name of this.#known) if (!known.has(name) && !this.#rankEnds.has(name)) this.#rankEnds.set(name, w.now);
    this.#known = known;
  }

  /** Whether it is a new attempt. */
  #note(w: CoreWorld, job: Job): boolean {
    for (const [key, attempt] of this.#attempts) {
      if (key.startsWith(`${job.id} `) && key !== `${job.id} ${job.attempt}`) this.#end(w, attempt);
    }
    const key = `${job.id} ${job.attempt}`;
    const known = this.#attempts.get(key);
    const isOver = !job.allocations.some(isHeld);
    if (known) {
      if (isOver) this.#end(w, known);
      return false;
    }
    this.#attempts.set(key, {
      tenantId: job.tenantId,
      gpus: gpusOf(w.state.spec(job.id)),
      plannedMs: job.plan?.ms ?? 0,
      names: job.allocations.map(({ rank }) => allocationName({ jobId: job.id, attempt: job.attempt, rank })),
      placedAt: job.placedAt ?? w.now,
      over: isOver ? { endedAt: w.now, knownAt: w.now } : undefined,
    });
    return true;
  }

  #end(w: CoreWorld, attempt: Attempt): void {
    const ends = attempt.names.map((name) => this.#rankEnds.get(name) ?? w.now);
    attempt.over ??= { endedAt: Math.max(...ends), knownAt: w.now };
  }
}
