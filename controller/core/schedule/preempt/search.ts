import { leastByGreed } from "./greedy.ts";
import { type Choice, Ledger, type Problem, targetOf } from "./problem.ts";

/** So few victims are searched to the end, without a first guess. */
const MAX_SMALL = 12;

/** How much a search may still do: sets of victims looked at. Shared by all searches of one plan. */
export interface Effort {
  left: number;
}

/**
 * The fewest victims whose leaving is enough, and of as few those that lose least; ties go to the first in the order of the
 * problem. Sets are tried by size, depth first, and given up as soon as what may still be gained is not enough or what is
 * lost already is too much (branch and bound).
 *
 * Exact while the effort lasts; then the best that was found, or what greed finds. Undefined when nothing is enough.
 *
 * @param known a choice for another problem that is to be beaten in number or loss
 */
export function fewestVictims(problem: Problem, effort: Effort, known?: Choice): Choice | undefined {
  const isSmall = problem.victims.length <= MAX_SMALL;
  const greedy = isSmall ? undefined : leastByGreed(problem);
  const found = new Search(problem, effort).run(isBetter(greedy, known) ? greedy : known);
  const best = found ?? greedy ?? (effort.left <= 0 ? leastByGreed(problem) : undefined);
  return isBetter(best, known) ? best : undefined;
}

/** Fewer victims, else less loss; anything is better than nothing. */
export function isBetter(a: Choice | undefined, b: Choice | undefined): boolean {
  if (!a || !b) return a !== undefined;
  return a.victims.length < b.victims.length || (a.victims.length === b.victims.length && a.lost < b.lost);
}

class Search {
  readonly #ledger: Ledger;
  readonly #effort: Effort;
  readonly #target: number;
  /** The greatest gain of any victim from this one on. */
  readonly #gainFrom: readonly number[];
  readonly #gains: readonly number[];
  readonly #chosen: number[] = [];
  #best: Choice | undefined;
  #lost = 0;
  /** A set of the present size may lose no more. */
  #mostLost = Number.POSITIVE_INFINITY;

  constructor(problem: Problem, effort: Effort) {
    this.#ledger = new Ledger(problem);
    this.#effort = effort;
    this.#target = targetOf(problem);
    this.#gains = this.#ledger.greatestGains();
    const gainFrom: number[] = [];
    let greatest = 0;
    for (const gain of this.#gains.toReversed()) gainFrom.push((greatest = Math.max(greatest, gain)));
    this.#gainFrom = gainFrom.reverse();
  }

  /** @param bound what need not be beaten: undefined is returned when nothing as good is found */
  run(bound: Choice | undefined): Choice | undefined {
    const count = this.#ledger.problem.victims.length;
    const most = Math.min(count, bound?.victims.length ?? count);
    for (let size = 1; size <= most && this.#effort.left > 0; size += 1) {
      this.#mostLost = bound?.victims.length === size ? bound.lost : Number.POSITIVE_INFINITY;
      this.#choose(0, size);
      if (this.#best) return this.#best;
    }
    return undefined;
  }

  /** Tries all sets that add so many of the victims from this one on to those that are chosen. */
  #choose(from: number, picks: number): void {
    const ledger = this.#ledger;
    this.#effort.left -= 1;
    if (picks === 0) {
      if (ledger.isEnough && (!this.#best || this.#lost < this.#best.lost))
        this.#best = { victims: [...this.#chosen], lost: this.#lost };
      return;
    }
    const last = ledger.problem.victims.length - picks;
    for (let index = from; index <= last && this.#effort.left > 0; index += 1) {
      const missing = this.#target - ledger.total;
      if (picks * (this.#gainFrom[index] ?? 0) < missing || this.#losesTooMuch(index, picks)) return;
      const gain = (this.#gains[index] ?? 0) + (picks - 1) * (this.#gainFrom[index + 1] ?? 0);
      if (gain < missing || !ledger.allows(index)) continue;
      const { lost } = ledger.victim(index);
      ledger.remove(index);
      this.#chosen.push(index);
      this.#lost += lost;
      this.#choose(index + 1, picks - 1);
      this.#lost -= lost;
      this.#chosen.pop();
      ledger.putBack(index);
    }
  }

  /** Victims are in the order of their losses, so that none of the sets that are left loses less than the next ones. */
  #losesTooMuch(index: number, picks: number): boolean {
    let lost = this.#lost;
    for (let next = index; next < index + picks; next += 1) lost += this.#ledger.victim(next).lost;
    return lost > this.#mostLost || (this.#best !== undefined && lost >= this.#best.lost);
  }
}
