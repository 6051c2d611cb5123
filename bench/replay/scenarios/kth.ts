import { join } from "node:path";
import { baselines, type QueueScenario } from "../compare.ts";
import { readTraceJobs, uniformNodes } from "../trace.ts";
import { type Limits, replayJobs } from "../workload.ts";

const NAMES: Readonly<Record<Limits, string>> = {
  requested: "kth",
  stretched: "kth, as logged",
  none: "kth, without limits",
};

/**
 * KTH-SP2: eleven months of a machine of 100 processors with requested run times (Parallel Workloads Archive). A job of n
 * processors may have any n of them, and so the machine is one node with 100 GPUs. Jobs run at most for what was requested, or, with
 * `stretched`, as long as the log says: 475 ran a little longer; with `none`, nobody says for how long.
 */
export function kthScenario(traces: string, limits: Limits): QueueScenario {
  const rows = readTraceJobs(join(traces, "kth_sp2.jobs.csv.gz"));
  return {
    name: NAMES[limits],
    nodes: uniformNodes(1, 100),
    jobs: replayJobs(rows, limits),
    baselines: baselines(
      "fifo",
      "start-whatever-fits",
      "easy, requested times",
      "easy-sjbf, requested times",
      "easy, true times",
      "conservative, requested times",
      "shortest first, true times",
    ),
  };
}
