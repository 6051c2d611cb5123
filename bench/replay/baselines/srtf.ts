import type { QueuePolicy, QueueSimulator, SimJob, SimRun } from "./queue-simulator.ts";
import { remove } from "./queue-policies.ts";

/**
 * Whoever has the shortest true time left goes first, and those with more left are stopped for it at once (SRPT; Schrage and
 * Miller, Operations Research 14(4), 1966). Nothing is lost by that, which no real cluster can do: a bound.
 */
export const shortestRemainingFirst: QueuePolicy = (simulator) => {
  const { pool, now, queue, running } = simulator;
  const runs = new Map([...running].map((run) => [run.job, run]));
  const leftMs = (job: SimJob) => job.runMs - job.doneMs - (now - (runs.get(job)?.startMs ?? now));
  const inOrder = [...runs.keys(), ...queue].map((job) => ({ job, ms: leftMs(job) })).sort((a, b) => a.ms - b.ms);
  // What nobody has who goes before.
  const open = pool.free.slice();
  for (const run of running) change(open, run.nodes, run.job.shape.gpusPerNode);
  const started = new Set<SimJob>();
  const refused = new Set<string>();
  for (const { job } of inOrder) {
    const run = runs.get(job);
    if (run) {
      change(open, run.nodes, -job.shape.gpusPerNode);
      runs.delete(job);
      continue;
    }
    const key = `${job.shape.gpusPerNode}x${job.shape.nodes}`;
    if (refused.has(key)) continue;
    const nodes = pool.fit(job.shape) ?? pool.fit(job.shape, open);
    if (!nodes) {
      refused.add(key);
      continue;
    }
    for (const stopped of makeRoom(simulator, job, nodes, runs)) {
      runs.delete(stopped.job);
      queue.push(stopped.job);
    }
    simulator.start(job, nodes);
    change(open, nodes, -job.shape.gpusPerNode);
    started.add(job);
  }
  remove(queue, started);
};

/** Stops those of the runs that are in the job's way on these nodes, the one with the most time left first. */
function* makeRoom(
  simulator: QueueSimulator,
  job: SimJob,
  nodes: readonly number[],
  runs: ReadonlyMap<SimJob, SimRun>,
): Generator<SimRun> {
  const { pool } = simulator;
  const isShort = (node: number) => (pool.free[node] ?? 0) < job.shape.gpusPerNode;
  const longestFirst = [...runs.values()].sort((a, b) => endOf(b) - endOf(a));
  for (const run of longestFirst) {
    if (!run.nodes.some((node) => nodes.includes(node) && isShort(node))) continue;
    simulator.stop(run);
    yield run;
  }
}

function endOf({ job, startMs }: SimRun): number {
  return startMs + job.runMs - job.doneMs;
}

function change(free: Int32Array, nodes: readonly number[], gpus: number): void {
  for (const node of nodes) free[node] = (free[node] ?? 0) + gpus;
}
