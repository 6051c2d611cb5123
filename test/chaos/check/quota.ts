/** No tenant's jobs hold more at once than its quota, by what they noted themselves. */
import type { Tenant } from "../workload/clients.ts";
import type { Run } from "./runs.ts";

interface Held {
  readonly fromMs: number;
  readonly toMs: number;
  readonly amount: number;
}

/** @param tenantOf a job's tenant, by the job's id; undefined for one that is not of the workload */
export function findExcesses(
  runs: readonly Run[],
  tenants: readonly Tenant[],
  tenantOf: (jobId: string) => string | undefined,
): string[] {
  return tenants.flatMap(({ id, maxGpus = Number.POSITIVE_INFINITY, maxJobs = Number.POSITIVE_INFINITY }) => {
    const own = runs.filter(({ jobId }) => tenantOf(jobId) === id);
    const held = own.map(({ startMs, lastMs, gpus }) => ({ fromMs: startMs, toMs: lastMs, amount: gpus.length }));
    const attempts = [...Map.groupBy(own, ({ jobId, attempt }) => `${jobId} ${attempt}`).values()];
    const most = { gpus: mostAtOnce(held), jobs: mostAtOnce(attempts.map(wholeAttempt)) };
    return [
      ...(most.gpus > maxGpus ? [`jobs of ${id} held ${most.gpus} GPUs at once, and its limit is ${maxGpus}`] : []),
      ...(most.jobs > maxJobs ? [`${most.jobs} jobs of ${id} ran at once, and its limit is ${maxJobs}`] : []),
    ];
  });
}

function wholeAttempt(ranks: readonly Run[]): Held {
  const fromMs = Math.min(...ranks.map(({ startMs }) => startMs));
  return { fromMs, toMs: Math.max(...ranks.map(({ lastMs }) => lastMs)), amount: 1 };
}

function mostAtOnce(all: readonly Held[]): number {
  const changes = all.flatMap(({ fromMs, toMs, amount }) => [
    { atMs: fromMs, by: amount },
    { atMs: toMs, by: -amount },
  ]);
  // What ends in the moment in which another begins does not hold anything beside it.
  changes.sort((one, other) => one.atMs - other.atMs || one.by - other.by);
  let now = 0;
  return changes.reduce((most, { by }) => {
    now += by;
    return Math.max(most, now);
  }, 0);
}
