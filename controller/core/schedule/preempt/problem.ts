import { present } from "../../../../base/assert.ts";
import type { JobId } from "../../../../base/ids.ts";
import type { Demand } from "../../model/job.ts";
import { capacityOf, isBoundByDevices, type Site } from "./site.ts";
import type { Limit, Victim } from "./victim.ts";

/** Which of the victims must leave, so that the sites together are enough for the job. */
export interface Problem {
  readonly demand: Demand;
  readonly sites: readonly Site[];
  /** In the order in which they are preferred, all else being equal. */
  readonly victims: readonly Victim[];
  /** With exactly so many GPUs on each site; undefined where a site may take any part of the job. */
  readonly perSite: number | undefined;
  /** What at most may be taken from victims. */
  readonly limit: Limit;
}

/** Some of a problem's victims, in its order, and what they lose: thousandths of a GPU × milliseconds. */
export interface Choice {
  readonly victims: readonly number[];
  readonly lost: number;
}

/** What all sites together must be worth: GPUs, or sites that take their part. */
export function targetOf({ demand, perSite }: Problem): number {
  return perSite === undefined ? Math.max(demand.gpus, 1) : demand.gpus / perSite;
}

/**
 * A problem with some of its victims gone. Taking one away or back costs as much as looking at its sites.
 * Victims are named by their index in the problem.
 */
export class Ledger {
  readonly problem: Problem;
  readonly gone = new Set<JobId>();
  /** What all sites are worth, against {@link targetOf}. */
  total = 0;
  gpuMilli = 0;
  cpuCores = 0;
  readonly #worth: number[];
  /** The sites of each victim. */
  readonly #sitesOf: readonly (readonly number[])[];

  constructor(problem: Problem) {
    this.problem = problem;
    const at = new Map(problem.sites.map(({ node }, index) => [node.record.name, index]));
    this.#sitesOf = problem.victims.map(({ job }) =>
      job.allocations.flatMap(({ node }) => {
        const index = at.get(node);
        return index === undefined ? [] : [index];
      }),
    );
    this.#worth = problem.sites.map((_, site) => this.#measure(site));
    this.total = this.#worth.reduce((sum, worth) => sum + worth, 0);
  }

  get isEnough(): boolean {
    return this.total >= targetOf(this.problem);
  }

  /** Whether the victim may leave as well within the limit. */
  allows(victim: number): boolean {
    const { limit } = this.problem;
    const { gpuMilli, cpuCores } = this.victim(victim);
    return this.gpuMilli + gpuMilli <= limit.gpuMilli && this.cpuCores + cpuCores <= limit.cpuCores;
  }

  victim(index: number): Victim {
    return present(this.problem.victims[index], "victim");
  }

  sitesOf(victim: number): readonly number[] {
    return this.#sitesOf[victim] ?? [];
  }

  remove(victim: number): void {
    this.#change(victim, 1);
  }

  putBack(victim: number): void {
    this.#change(victim, -1);
  }

  /** What more the sites would be worth without the victim. */
  gainOf(victim: number): number {
    const before = this.total;
    this.remove(victim);
    const gain = this.total - before;
    this.putBack(victim);
    return gain;
  }

  /** More than this the victim never adds, whoever else leaves: a bound for each. */
  greatestGains(): readonly number[] {
    const { problem } = this;
    const all = new Set([...problem.victims.map(({ job }) => job.id)]);
    const bounds = problem.sites.map((site, index) => {
      const most = this.#measure(index, all) - (this.#worth[index] ?? 0);
      return { most, byDevices: problem.perSite === undefined && isBoundByDevices(site, problem.demand) };
    });
    return problem.victims.map(({ job }, victim) => {
      let gain = 0;
      for (const site of this.sitesOf(victim)) {
        const { most = 0, byDevices = false } = bounds[site] ?? {};
        const { name } = problem.sites[site]?.node.record ?? {};
        const held = job.allocations.find(({ node }) => node === name)?.devices.length ?? 0;
        gain += byDevices ? Math.min(most, held) : most;
      }
      return gain;
    });
  }

  #change(victim: number, sign: 1 | -1): void {
    const { job, gpuMilli, cpuCores } = this.victim(victim);
    if (sign === 1) this.gone.add(job.id);
    else this.gone.delete(job.id);
    this.gpuMilli += sign * gpuMilli;
    this.cpuCores += sign * cpuCores;
    for (const site of this.sitesOf(victim)) {
      const worth = this.#measure(site);
      this.total += worth - (this.#worth[site] ?? 0);
      this.#worth[site] = worth;
    }
  }

  #measure(index: number, gone: ReadonlySet<JobId> = this.gone): number {
    const { demand, perSite, sites } = this.problem;
    const site = sites[index];
    const capacity = site ? capacityOf(site, demand, gone) : 0;
    return perSite === undefined ? capacity : Number(capacity >= perSite);
  }
}
