import type { QueuePolicy, QueueSimulator, SimJob } from "./queue-simulator.ts";
import { fifo, remove } from "./queue-policies.ts";

/** How EASY backfill is set up. */
export interface EasyOptions {
  /** For how long a job is taken to run, in milliseconds. */
  readonly boundMs: (job: SimJob) => number;
  /** In which order jobs are tried behind the reservation. */
  readonly backfill: "oldest-first" | "shortest-first";
}

/** What the first blocked job is promised: when it starts, and what is left on each node then. */
interface Reservation {
  readonly at: number;
  readonly extra: Int32Array;
}

/**
 * EASY backfill (Lifka, "The ANL/IBM SP Scheduling System", JSSPP 1995): in the order of submission; the first job that does
 * not fit gets a reservation at the earliest time at which it will; others may pass it if they end before that time, or
 * leave it the GPUs that it needs then.
 */
export function easy(options: EasyOptions): QueuePolicy {
  return (simulator) => {
    fifo(simulator);
    const [head, ...others] = simulator.queue;
    if (!head || others.length === 0) return;
    const reservation = reserve(simulator, head, options);
    if (options.backfill === "shortest-first") others.sort((a, b) => options.boundMs(a) - options.boundMs(b));
    const started = new Set<SimJob>();
    const refused = new Set<string>();
    for (const job of others) if (backfill(simulator, job, reservation, options, refused)) started.add(job);
    remove(simulator.queue, started);
  };
}

function reserve({ pool, running, now }: QueueSimulator, head: SimJob, { boundMs }: EasyOptions): Reservation {
  const free = pool.free.slice();
  const ends = [...running]
    .map((run) => ({ run, at: Math.max(now, run.startMs + boundMs(run.job)) }))
    .sort((a, b) => a.at - b.at);
  for (const [index, { run, at }] of ends.entries()) {
    for (const node of run.nodes) free[node] = (free[node] ?? 0) + run.job.shape.gpusPerNode;
    if (ends[index + 1]?.at === at) continue;
    const nodes = pool.fit(head.shape, free);
    if (!nodes) continue;
    for (const node of nodes) free[node] = (free[node] ?? 0) - head.shape.gpusPerNode;
    return { at, extra: free };
  }
  return { at: Number.POSITIVE_INFINITY, extra: free };
}

function backfill(
  simulator: QueueSimulator,
  job: SimJob,
  { at, extra }: Reservation,
  { boundMs }: EasyOptions,
  refused: Set<string>,
): boolean {
  const { pool, now } = simulator;
  const isShort = now + boundMs(job) <= at;
  const key = `${isShort} ${job.shape.gpusPerNode}x${job.shape.nodes}`;
  if (refused.has(key)) return false;
  const allowed = isShort ? pool.free : pool.free.map((count, node) => Math.min(count, extra[node] ?? 0));
  const nodes = pool.fit(job.shape, allowed);
  if (!nodes) {
    refused.add(key);
    return false;
  }
  simulator.start(job, nodes);
  if (!isShort) for (const node of nodes) extra[node] = (extra[node] ?? 0) - job.shape.gpusPerNode;
  return true;
}
