import { join } from "node:path";
import { baselines, type QueueScenario } from "../compare.ts";
import { readTraceJobs, uniformNodes } from "../trace.ts";
import { replayJobs } from "../workload.ts";

/**
 * KTH-SP2: eleven months of a machine of 100 processors with requested run times (Parallel Workloads Archive). A job of n
 * processors may have any n of them, and so the machine is one node with 100 GPUs.
 */
export function kthScenario(traces: string): QueueScenario {
  const rows = readTraceJobs(join(traces, "kth_sp2.jobs.csv.gz"));
  return {
    name: "kth",
    nodes: uniformNodes(1, 100),
    jobs: replayJobs(rows, "requested"),
    baselines: baselines(
      "fifo",
      "start-whatever-fits",
      "easy, requested times",
      "easy-sjbf, requested times",
      "easy, true times",
      "shortest first, true times",
    ),
  };
}
