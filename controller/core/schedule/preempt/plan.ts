import { graceMsOf, type JobIn } from "../../model/job.ts";
import type { Kind } from "../../model/kind.ts";
import type { Node } from "../../model/node.ts";
import type { State } from "../../model/state.ts";
import { shareOf } from "../filter.ts";
import { chooseNodes, divide, type Place, takeOf } from "../place.ts";
import { fewestSwitches } from "../topology.ts";
import { type Choice, Ledger, type Problem, targetOf } from "./problem.ts";
import { type Effort, fewestVictims } from "./search.ts";
import { capacityOf, offerOf, type Quest, type Site, siteOf } from "./site.ts";
import {
  compareVictims,
  isReachable,
  isWithin,
  leavesUntil,
  type Limit,
  limitFor,
  mayYield,
  STOP_MARGIN_MS,
  type Victim,
  victimOf,
  yieldsFrom,
} from "./victim.ts";
import { leastLeaving, takesAnyPart, yieldingRanking } from "./yielding.ts";

/** Sets of victims that are looked at for one plan; beyond that the best one found so far is taken. */
const MAX_EFFORT = 10_000;
/** Nodes that are searched for one plan, the most promising first: a plan that needs others is not found. */
const MAX_SITES = 256;
/** Nodes that are looked at for them: on some, too few jobs have run for long enough to be stopped. */
const MAX_WALKED = 4_096;
/** For a gang so many times the GPUs that it needs are enough to choose from. */
const CHOICE = 4;
const MIN_GANG_SITES = 64;

/** A blocked job that others might make room for, and how long it would stay. */
export interface Wish {
  readonly job: JobIn<"queued">;
  readonly kind: Kind;
  /** When it would have ended if it started now. */
  readonly until: number;
}

/** Who is stopped, and where the job will run then. */
export interface PreemptionPlan {
  readonly victims: readonly Victim[];
  readonly places: readonly [Place, ...Place[]];
}

/** What can be done for a blocked job. */
export type Planned =
  | { readonly kind: "plan"; readonly plan: PreemptionPlan }
  /** Those who are leaving already make enough room; if they have not left by then, it is worth to ask again. */
  | { readonly kind: "wait"; readonly until: number }
  /** Nothing before `nextAt`, when some jobs will have run for long enough to be stopped; infinity if there are none. */
  | { readonly kind: "none"; readonly nextAt: number };

/**
 * Plans whom to stop for a job and where it runs then, both together: the fewest jobs, of as few those that lose the least
 * GPU-time since their last checkpoint; never more than the policy allows for what the job needs; and only if the job then
 * fits for as long as it will run, with all that is kept for jobs that come before it.
 *
 * Exact as long as there are no more than {@link MAX_SITES} nodes to choose from and the search does not exceed
 * {@link MAX_EFFORT}; beyond that the most promising nodes are searched, and the best that was found is taken.
 */
export function planPreemption(state: State, wish: Wish, at: number): Planned {
  const planned = new Planner(state, wish, at).plan();
  if (planned.kind !== "plan") return planned;
  // It runs only once its victims have left: it must not be in the way of those that come before it for that while either.
  const until = wish.until + leftBy(state, planned.plan, at) - at;
  if (!isKeptOn(state, wish, planned.plan, until)) return planned;
  const later = { ...wish, until };
  const next = new Planner(state, later, at).plan();
  if (next.kind !== "plan") return next;
  const isLate = isKeptOn(state, later, next.plan, wish.until + leftBy(state, next.plan, at) - at);
  return isLate ? { kind: "none", nextAt: Number.POSITIVE_INFINITY } : next;
}

/** When everybody who is to leave the places, or is being stopped there already, must have left them. */
export function leftBy(state: State, { victims, places }: PreemptionPlan, at: number): number {
  let until = at + STOP_MARGIN_MS;
  for (const { job } of victims) until = Math.max(until, at + graceMsOf(state.spec(job.id)) + STOP_MARGIN_MS);
  for (const { node } of places) {
    for (const id of node.jobs.keys()) until = Math.max(until, leavesUntil(state.job(id)));
  }
  return until;
}

/** Whether room is kept for others on the plan's nodes from a time on between when the wish ends and `until`. */
function isKeptOn(state: State, wish: Wish, { places }: PreemptionPlan, until: number): boolean {
  return places.some(({ node }) =>
    state.scheduling.reservedOn
      .get(node.record.name)
      ?.some(({ jobId, at }) => jobId !== wish.job.id && at >= wish.until && at < until),
  );
}

class Planner {
  readonly #state: State;
  readonly #wish: Wish;
  readonly #at: number;
  readonly #quest: Quest;
  readonly #limit: Limit;
  readonly #effort: Effort = { left: MAX_EFFORT };
  #nextAt = Number.POSITIVE_INFINITY;

  constructor(state: State, wish: Wish, at: number) {
    this.#state = state;
    this.#wish = wish;
    this.#at = at;
    const reservations = state.scheduling.reservations.filter(({ jobId }) => jobId !== wish.job.id);
    this.#limit = limitFor(wish.kind.demand, state.settings.policy.preemption.maxGpusPerGpu);
    this.#quest = { demand: wish.kind.demand, at, until: wish.until, reservations };
  }

  plan(): Planned {
    const { demand } = this.#wish.kind;
    return demand.gang ? this.#planGang() : this.#planOne();
  }

  /** For a job of one node each node is a question of its own. */
  #planOne(): Planned {
    let best: { readonly problem: Problem; readonly choice: Choice } | undefined;
    let [walked, searched] = [0, 0];
    const ranking = this.#ranking();
    for (const node of ranking.ascending()) {
      const least = leastLeaving(ranking.costOf(node));
      if (best && least > best.choice.victims.length) break;
      if (++walked > MAX_WALKED || searched >= MAX_SITES || this.#effort.left <= 0) break;
      const victims = [...this.#victimsOn(node)].sort(compareVictims);
      if (least > 0 && victims.length < least) continue;
      searched += 1;
      if (best && cannotBeat(victims, least, best.choice)) continue;
      const site = siteOf(this.#state, node, this.#quest);
      if (!site) continue;
      const problem = this.#problemOf([site], victims);
      if (least === 0 && new Ledger(problem).isEnough) return this.#wait(problem);
      const choice = fewestVictims(problem, this.#effort, best?.choice);
      if (choice) best = { problem, choice };
    }
    return this.#decide(best?.problem, best?.choice);
  }

  #planGang(): Planned {
    const sites = this.#sitesForGang();
    const victims = new Map<string, Victim>();
    for (const { node } of sites) for (const victim of this.#victimsOn(node)) victims.set(victim.job.id, victim);
    const problem = this.#problemOf(sites, [...victims.values()].sort(compareVictims));
    if (new Ledger(problem).isEnough) return this.#wait(problem);
    return this.#decide(problem, this.#isSoluble(problem) ? fewestVictims(problem, this.#effort) : undefined);
  }

  #sitesForGang(): readonly Site[] {
    const { demand } = this.#wish.kind;
    const sites: Site[] = [];
    let promised = 0;
    for (const node of this.#ranking().ascending()) {
      if (sites.length >= MIN_GANG_SITES && promised >= CHOICE * demand.gpus) break;
      const site = siteOf(this.#state, node, this.#quest);
      if (!site) continue;
      sites.push(site);
      promised += demand.gpusPerNode ?? capacityOf(site, demand, new Set(node.jobs.keys()));
    }
    return sites;
  }

  #ranking() {
    return yieldingRanking(this.#state, this.#wish.kind, this.#wish.job.effectivePriority);
  }

  /** @param victims in the order of {@link compareVictims} */
  #problemOf(sites: readonly Site[], victims: readonly Victim[]): Problem {
    const { demand } = this.#wish.kind;
    return { demand, sites, victims, perSite: demand.gang ? demand.gpusPerNode : undefined, limit: this.#limit };
  }

  *#victimsOn(node: Node): Generator<Victim> {
    const at = this.#at;
    for (const [id, allocation] of node.jobs) {
      const job = this.#state.job(id);
      if (!mayYield(this.#state, job, this.#wish.job.effectivePriority) || !isWithin(this.#limit, job, allocation))
        continue;
      const from = yieldsFrom(this.#state, job, at);
      if (from > at) this.#nextAt = Math.min(this.#nextAt, from);
      else if (job.phase === "running" && isReachable(this.#state, job)) yield victimOf(job, at);
    }
  }

  /** Whether it would be enough if all of them left. */
  #isSoluble(problem: Problem): boolean {
    const ids = new Set(problem.victims.map(({ job }) => job.id));
    const { demand, perSite } = problem;
    let worth = 0;
    for (const site of problem.sites) {
      const capacity = capacityOf(site, demand, ids);
      worth += perSite === undefined ? capacity : Number(capacity >= perSite);
    }
    return worth >= targetOf(problem);
  }

  #wait({ sites }: Problem): Planned {
    let until = this.#at;
    for (const { node } of sites) {
      for (const id of node.jobs.keys()) until = Math.max(until, leavesUntil(this.#state.job(id)));
    }
    return { kind: "wait", until };
  }

  #decide(problem: Problem | undefined, choice: Choice | undefined): Planned {
    if (!problem || !choice) return { kind: "none", nextAt: this.#nextAt };
    const victims = choice.victims.flatMap((index) => problem.victims[index] ?? []);
    const [first, ...rest] = this.#placesIn(problem, victims) ?? [];
    return first
      ? { kind: "plan", plan: { victims, places: [first, ...rest] } }
      : { kind: "none", nextAt: this.#nextAt };
  }

  /** Where the job will run once the victims are gone; undefined when it would not fit after all. */
  #placesIn({ demand, sites, perSite }: Problem, victims: readonly Victim[]): readonly Place[] | undefined {
    const gone = new Set(victims.map(({ job }) => job.id));
    const candidates = sites
      .map((site) => ({ site, node: site.node, gpus: capacityOf(site, demand, gone), cost: 0 }))
      .filter(({ gpus }) => gpus >= (perSite ?? 1));
    const [first] = candidates;
    if (!demand.gang) return first && [takeOf(offerOf(first.site, demand, gone), demand, shareOf(demand, demand.gpus))];
    const even = candidates.map((candidate, cost) => ({ ...candidate, gpus: perSite ?? candidate.gpus, cost }));
    const chosen = takesAnyPart(demand)
      ? chooseNodes(this.#state, demand, even)
      : fewestSwitches(this.#state, even, demand.gpus, demand.gpus / (perSite ?? 1));
    const siteOn = new Map(sites.map((site) => [site.node, site]));
    return (
      chosen &&
      divide(demand, chosen).flatMap(({ node, share }) => {
        const site = siteOn.get(node);
        return site ? [takeOf(offerOf(site, demand, gone), demand, share)] : [];
      })
    );
  }
}

/** Whether no set of at least so many of the victims, which are in the order of their losses, is better than the choice. */
function cannotBeat(victims: readonly Victim[], least: number, choice: Choice): boolean {
  if (least < choice.victims.length) return false;
  return victims.slice(0, least).reduce((sum, { lost }) => sum + lost, 0) >= choice.lost;
}
