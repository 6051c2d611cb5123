import { budgetBlock, lookAgainAt } from "../budget.ts";
import type { RankState } from "../model/allocation.ts";
import { type JobIn, type RuntimePlan, WHOLE_DEVICE } from "../model/job.ts";
import type { Kind } from "../model/kind.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";
import { noUsage } from "../model/tenant.ts";
import { gpuMemoryLeft, type Holding, holdingOf, quotaBlock } from "../quota.ts";
import { place } from "../transition.ts";
import { refreshMix } from "./demand-mix.ts";
import { gpuMemoryOf, holding, type Place, type Placing } from "./place.ts";
import { findPlacesWithin, keptToQuota } from "./place-within.ts";
import { claimedPlaces, claimHolders, claimedUsage } from "./preempt/claim.ts";
import { Preemption } from "./preempt/preempt.ts";
import { placementRanking } from "./ranking.ts";
import { regroup } from "./regroup.ts";
import { clearReservations, reserve } from "./reservation.ts";
import { type Turn, TurnOrder, turnOf, compareTurns } from "./turn.ts";

/** With fewer nodes than this, a lost node's jobs wait for it unless they ask otherwise: there is no majority to trust. */
const MIN_NODES_TO_MOVE = 3;
/** Reservations of the conservative policy: blocked jobs further back have none. */
const MAX_RESERVATIONS = 100;

/**
 * Starts every queued job that may and can start now, in the order of their turns. The first job of a pool that does not
 * fit is given a reservation, and those behind it may only take what does not delay it.
 *
 * A pass over nothing new costs nothing. When only jobs came, only they are looked at: room has not grown, and whoever was
 * refused would be refused again. Jobs of a group are alike, so that one refusal answers for all.
 */
export function schedule(state: State, out: Output, at: number): void {
  if (!state.needsPass || state.unheard.size > 0) return;
  state.needsPass = false;
  const { scheduling } = state;
  scheduling.now = at;
  if (refreshMix(scheduling.mix)) scheduling.rankings.clear();
  // In strict order whoever comes must know who else waits.
  const isStrict = state.settings.policy.backfill === "none";
  const hasGrown = isStrict || scheduling.seenGrowth !== state.growth;
  if (hasGrown) regroup(state);
  const fresh = state.queue.takeFresh();
  if (!hasGrown && new Pass(state, out, at, false).run(fresh)) return;
  clearReservations(state);
  new Pass(state, out, at, true).run(state.queue.groups);
}

const ASSIGNED: RankState = { phase: "assigned" };

/** Why a group's turn brought no start; `larger` when there is room only on devices with more memory than its tenant may ever hold. */
type Refusal = "quota" | "budget" | "room" | "larger";

class Pass {
  readonly #state: State;
  readonly #out: Output;
  readonly #at: number;
  readonly #isWhole: boolean;
  readonly #reserved = new Set<string>();
  readonly #preemption: Preemption;
  /** Whether a job that has just come may be ahead of one that room is kept for. */
  #mustSeeAll = false;

  constructor(state: State, out: Output, at: number, isWhole: boolean) {
    this.#state = state;
    this.#out = out;
    this.#at = at;
    this.#isWhole = isWhole;
    this.#preemption = new Preemption(state, out, at);
  }

  /** False when it turns out that all groups must be looked at. */
  run(groups: Iterable<Turn["group"]>): boolean {
    const state = this.#state;
    state.scheduling.seenGrowth = state.growth;
    for (const { pool } of state.scheduling.reservations) this.#reserved.add(pool);
    this.#startClaimed();
    const order = new TurnOrder(state, groups, this.#at);
    for (let turn = order.next(); turn; turn = order.next()) {
      const { group } = turn;
      if (turn.job !== group.first) {
        this.#reserveInTurn(turn, order);
        continue;
      }
      if (group.refusedAt === state.growth && !this.#isWhole) {
        // Whoever has come is blocked as well, but has no room yet.
        if (state.settings.policy.backfill === "conservative") return false;
        continue;
      }
      if (this.#passesOver(turn)) continue;
      const refusal = this.#consider(turn);
      if (refusal === undefined) order.add(group);
      else this.#refuse(turn, refusal, order);
      if (this.#mustSeeAll) return false;
    }
    return true;
  }

  /** Starts every job that others have made room for: nobody else may have that room, whoever comes before. */
  #startClaimed(): void {
    const state = this.#state;
    for (const job of claimHolders(state, this.#at)) {
      const places = claimedPlaces(state, job);
      if (!places) continue;
      const group = state.groupOf(job);
      const { kind } = group.facts;
      const plan = state.planOf(group);
      const isAllowed = this.#isWithinQuota(job, holding(places, kind.demand)) && this.#isWithinBudget(job, plan);
      if (isAllowed) this.#start(job, kind, places, plan);
    }
  }

  /** Refuses at once a job that does not start and of which nothing else follows: most turns are such. */
  #passesOver(turn: Turn): boolean {
    if (!this.#isHopeless(turn)) return false;
    turn.group.refusedAt = this.#state.growth;
    return true;
  }

  /** It can only pass a blocked job, nobody may be stopped for it, and no node has room for one like it. */
  #isHopeless({ job, group }: Turn): boolean {
    const state = this.#state;
    const { kind } = group.facts;
    const { backfill } = state.settings.policy;
    const isPassing = backfill === "greedy" || (backfill === "easy" && this.#isWhole && this.#reserved.has(kind.pool));
    if (!isPassing || job.claim || state.tenant(job.tenantId).canPreemptOthers) return false;
    return placementRanking(state, kind).size === 0;
  }

  /** Whether the job's tenant may hold this as well, with what is kept for its other jobs. */
  #isWithinQuota(job: JobIn<"queued">, wanted: Holding): boolean {
    const state = this.#state;
    const { id, tenantId } = job;
    const { limits } = state.tenant(tenantId);
    return quotaBlock(limits, state.usageOf(tenantId), wanted, claimedUsage(state, tenantId, id)) === undefined;
  }

  #gpuMemoryLeft({ id, tenantId }: JobIn<"queued">): number | undefined {
    const state = this.#state;
    return gpuMemoryLeft(state.tenant(tenantId).limits, state.usageOf(tenantId), claimedUsage(state, tenantId, id));
  }

  /** Whether it is; if not, the job is looked at again when enough has left the window, though nothing else may happen then. */
  #isWithinBudget(job: JobIn<"queued">, plan: RuntimePlan): boolean {
    const block = budgetBlock(this.#state, job, plan, this.#at);
    if (block?.until !== undefined) lookAgainAt(this.#state, job.tenantId, block.until);
    return block === undefined;
  }

  /** Has others make room for the job, if that is possible and allowed. */
  #preempt({ job, group }: Turn): boolean {
    const state = this.#state;
    const { kind } = group.facts;
    if (state.scheduling.closedBy.has(kind.pool)) return false;
    const wish = {
      job,
      kind: keptToQuota(kind, this.#gpuMemoryLeft(job)),
      until: this.#endOf(state.planOf(group)),
    };
    return this.#preemption.makeRoom(group, wish, (places) => this.#isWithinQuota(job, holding(places, kind.demand)));
  }

  /** Until when the job keeps its room from others; with the greedy policy nobody asks. */
  #endOf(plan: RuntimePlan): number {
    return this.#state.settings.policy.backfill === "greedy" ? this.#at : this.#at + plan.ms;
  }

  /** Starts the job, or says why not. */
  #consider({ job, group }: Turn): Refusal | undefined {
    const state = this.#state;
    const { kind } = group.facts;
    if (state.scheduling.closedBy.has(kind.pool)) return "room";
    const plan = state.planOf(group);
    if (!this.#isWithinQuota(job, holdingOf(kind.demand))) return "quota";
    if (!this.#isWithinBudget(job, plan)) return "budget";
    const placing: Placing = { kind, at: this.#at, until: this.#endOf(plan), jobId: job.id, wasKept: false };
    const places = findPlacesWithin(state, placing, this.#gpuMemoryLeft(job));
    if (!places) return "room";
    const wanted = holding(places, kind.demand);
    if (!this.#isWithinQuota(job, wanted)) {
      return quotaBlock(state.tenant(job.tenantId).limits, noUsage(), wanted) ? "larger" : "quota";
    }
    this.#start(job, kind, places, plan);
    return undefined;
  }

  #refuse(turn: Turn, refusal: Refusal, order: TurnOrder): void {
    const { job, group } = turn;
    group.refusedAt = this.#state.growth;
    // What a job has a claim to needs no reservation.
    if (refusal === "quota" || refusal === "budget" || job.claim) return;
    if (!this.#isWhole && this.#isAheadOfAny(turn)) {
      this.#mustSeeAll = true;
      return;
    }
    if (this.#preempt(turn)) {
      group.refusedAt = -1;
      order.add(group);
      return;
    }
    const { pool } = group.facts.kind;
    const { closedBy } = this.#state.scheduling;
    switch (this.#state.settings.policy.backfill) {
      case "greedy":
        return;
      case "none":
        // Jobs of other pools may use the same nodes.
        if (!closedBy.has(pool) && this.#reserve(job, group)) closedBy.set(pool, job.id);
        return;
      case "easy":
        if (this.#reserved.has(pool) || !this.#reserve(job, group)) return;
        // Without claims no room comes free within a pass: who has no node now has none when its turn comes.
        order.block(pool, (other) => this.#state.claims.size === 0 && this.#passesOver(other));
        return;
      case "conservative":
        this.#reserveInTurn(turn, order);
    }
  }

  /** Keeps room for a blocked job, and then, when their turns come, for those behind it in its group: they are blocked as well. */
  #reserveInTurn({ job, group }: Turn, order: TurnOrder): void {
    if (this.#state.scheduling.reservations.length >= MAX_RESERVATIONS) return;
    if (this.#reserve(job, group)) order.add(group, group.indexOf(job) + 1);
  }

  /** False for a job that fits nowhere as things are: it holds nobody up, and whoever comes next has its place kept instead. */
  #reserve(job: JobIn<"queued">, group: Turn["group"]): boolean {
    const state = this.#state;
    const kind = keptToQuota(group.facts.kind, state.tenant(job.tenantId).limits.gpuMemoryMb);
    const durationMs = state.planOf(group).ms;
    if (!reserve(state, { job, kind, durationMs }, this.#at)) return false;
    this.#reserved.add(kind.pool);
    return true;
  }

  /** Whether room is kept for a job whose turn comes later. */
  #isAheadOfAny(turn: Turn): boolean {
    const state = this.#state;
    return state.scheduling.reservations.some(({ jobId }) => {
      const holder = state.jobs.get(jobId);
      if (holder?.phase !== "queued") return false;
      return compareTurns(turn, turnOf(state, holder, state.groupOf(holder), this.#at)) < 0;
    });
  }

  #start(job: JobIn<"queued">, kind: Kind, places: readonly Place[], plan: RuntimePlan): void {
    const state = this.#state;
    const { demand } = kind;
    const { onNodeLost } = state.spec(job.id);
    const movesWhenLost = onNodeLost === undefined ? state.nodes.size >= MIN_NODES_TO_MOVE : onNodeLost === "requeue";
    const milli = demand.milli === WHOLE_DEVICE ? undefined : demand.milli;
    const allocations = places.map(({ node, devices, share }, rank) => ({
      rank,
      node: node.record.name,
      devices: devices.map((device) => device.id),
      milli,
      cpuCores: share.cpuCores,
      memoryMb: share.memoryMb,
      gpuMemoryMb: gpuMemoryOf(devices, demand),
      movesWhenLost,
      state: ASSIGNED,
    }));
    place(state, this.#out, job, { allocations, plan }, this.#at);
  }
}
