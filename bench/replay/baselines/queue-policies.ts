import type { QueuePolicy, QueueSimulator, SimJob } from "./queue-simulator.ts";

/** In the order of submission; nobody passes one that does not fit. */
export const fifo: QueuePolicy = (simulator) => {
  const { queue, pool } = simulator;
  let started = 0;
  for (const job of queue) {
    const nodes = pool.fit(job.shape);
    if (!nodes) break;
    simulator.start(job, nodes);
    started += 1;
  }
  queue.splice(0, started);
};

/** In the order of submission, whatever fits: large jobs may starve. */
export const startWhateverFits: QueuePolicy = (simulator) => startAllOf(simulator, simulator.queue);

/** Whatever fits, those with the shortest true run time first. */
export const shortestFirst: QueuePolicy = (simulator) =>
  startAllOf(
    simulator,
    simulator.queue.toSorted((a, b) => a.runMs - b.runMs),
  );

/** As {@link shortestFirst}, but nobody passes one that does not fit. */
export const shortestFirstStrict: QueuePolicy = (simulator) => {
  simulator.queue.sort((a, b) => a.runMs - b.runMs);
  fifo(simulator);
};

/** Whatever fits, always one of the tenant that holds the fewest GPUs. */
export const leastUsedTenantFirst: QueuePolicy = (simulator) => {
  const { queue, held } = simulator;
  const waiting = Map.groupBy(queue, ({ record }) => record.job.tenant);
  const started = new Set<SimJob>();
  while (waiting.size > 0) {
    const tenants = [...waiting.keys()].sort((a, b) => (held.get(a) ?? 0) - (held.get(b) ?? 0));
    for (const tenant of tenants) {
      const job = startFirstOf(simulator, waiting, tenant);
      if (!job) continue;
      started.add(job);
      break;
    }
  }
  remove(queue, started);
};

/** Starts the tenant's first job that fits. Room only shrinks: jobs in front of it, which did not fit, are out for this time. */
function startFirstOf(simulator: QueueSimulator, waiting: Map<string, SimJob[]>, tenant: string): SimJob | undefined {
  const jobs = waiting.get(tenant) ?? [];
  const refused = new Set<string>();
  for (const [index, job] of jobs.entries()) {
    const nodes = fitUnless(simulator, refused, job);
    if (!nodes) continue;
    simulator.start(job, nodes);
    waiting.set(tenant, jobs.slice(index + 1));
    return job;
  }
  waiting.delete(tenant);
  return undefined;
}

function startAllOf(simulator: QueueSimulator, jobs: readonly SimJob[]): void {
  const refused = new Set<string>();
  const started = new Set<SimJob>();
  for (const job of jobs) {
    const nodes = fitUnless(simulator, refused, job);
    if (!nodes) continue;
    simulator.start(job, nodes);
    started.add(job);
  }
  remove(simulator.queue, started);
}

function fitUnless({ pool }: QueueSimulator, refused: Set<string>, { shape }: SimJob): readonly number[] | undefined {
  const key = `${shape.gpusPerNode}x${shape.nodes}`;
  if (refused.has(key)) return undefined;
  const nodes = pool.fit(shape);
  if (!nodes) refused.add(key);
  return nodes;
}

/** Takes jobs out of the queue, in place. */
export function remove(queue: SimJob[], jobs: ReadonlySet<SimJob>): void {
  if (jobs.size === 0) return;
  const rest = queue.filter((job) => !jobs.has(job));
  queue.splice(0, queue.length, ...rest);
}
