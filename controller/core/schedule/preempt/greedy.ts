import { type Choice, Ledger, type Problem, targetOf } from "./problem.ts";

/**
 * A choice that is good and never more than needed, found fast: whoever adds most leaves first, of equals the one that loses
 * least; in the end all stay that need not leave. Undefined when it finds none, though there may be one.
 *
 * Quadratic in the victims at worst, and each step costs as much as looking at the sites of one.
 */
export function leastByGreed(problem: Problem): Choice | undefined {
  const ledger = new Ledger(problem);
  const chosen = problem.perSite === undefined ? fill(ledger) : fillSites(ledger, problem);
  if (!ledger.isEnough) return undefined;
  const spared = new Set<number>();
  for (const victim of [...chosen].sort((a, b) => b - a)) {
    ledger.putBack(victim);
    if (ledger.isEnough) spared.add(victim);
    else ledger.remove(victim);
  }
  const victims = chosen.filter((victim) => !spared.has(victim)).sort((a, b) => a - b);
  return { victims, lost: victims.reduce((sum, victim) => sum + ledger.victim(victim).lost, 0) };
}

/** Takes victims away until it is enough, or nobody is left. */
function fill(ledger: Ledger): number[] {
  const { problem } = ledger;
  const chosen: number[] = [];
  const bounds = ledger.greatestGains();
  const gains = problem.victims.map((_, victim) => ledger.gainOf(victim));
  const left = new Set(problem.victims.keys());
  while (!ledger.isEnough) {
    const missing = targetOf(problem) - ledger.total;
    let best: number | undefined;
    for (const victim of left) {
      if (!ledger.allows(victim)) continue;
      // Where none gains alone, it may with others.
      const gain = Math.min(missing, gains[victim] ?? 0) || (bounds[victim] ?? 0) / 1e6;
      const most = best === undefined ? 0 : Math.min(missing, gains[best] ?? 0) || (bounds[best] ?? 0) / 1e6;
      if (gain > most) best = victim;
    }
    if (best === undefined) break;
    ledger.remove(best);
    chosen.push(best);
    left.delete(best);
    const touched = new Set(ledger.sitesOf(best));
    for (const victim of left) {
      if (ledger.sitesOf(victim).some((site) => touched.has(site))) gains[victim] = ledger.gainOf(victim);
    }
  }
  return chosen;
}

/** Clears the sites that take the fewest victims, one by one, of equals the ones that lose least. */
function fillSites(ledger: Ledger, problem: Problem): number[] {
  const { perSite = 0, sites, victims, demand } = problem;
  const whole = { ...demand, gpus: perSite, ...partOf(demand, perSite) };
  const choices = sites.flatMap((site, index) => {
    const own = victims.flatMap((_, victim) => (ledger.sitesOf(victim).includes(index) ? [victim] : []));
    const choice = leastByGreed({
      ...problem,
      demand: whole,
      sites: [site],
      victims: own.map((victim) => ledger.victim(victim)),
      perSite: undefined,
    });
    return choice ? [{ victims: choice.victims.map((victim) => own[victim] ?? 0), lost: choice.lost }] : [];
  });
  choices.sort((a, b) => a.victims.length - b.victims.length || a.lost - b.lost);
  const chosen: number[] = [];
  for (const choice of choices) {
    if (ledger.isEnough) break;
    chosen.push(...removeAll(ledger, choice.victims));
  }
  return chosen;
}

/** Takes all of them away that are still there, or none if that is more than is allowed. */
function removeAll(ledger: Ledger, victims: readonly number[]): readonly number[] {
  const removed: number[] = [];
  for (const victim of victims) {
    if (ledger.gone.has(ledger.victim(victim).job.id)) continue;
    if (!ledger.allows(victim)) {
      for (const other of removed) ledger.putBack(other);
      return [];
    }
    ledger.remove(victim);
    removed.push(victim);
  }
  return removed;
}

/** The cores and memory of one site's part. */
function partOf(demand: Problem["demand"], gpus: number) {
  const part = gpus / demand.gpus;
  return { cpuCores: Math.ceil(demand.cpuCores * part), memoryMb: Math.ceil(demand.memoryMb * part) };
}
