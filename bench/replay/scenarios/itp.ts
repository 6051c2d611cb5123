import { join } from "node:path";
import { baselines, type QueueScenario } from "../compare.ts";
import { readTraceJobs, uniformNodes } from "../trace.ts";
import { replayJobs } from "../workload.ts";

const TRACE = "msitp2021_part.jobs.csv.gz";

/** One cluster of a training platform on 72 nodes of 8: gangs of whole nodes, no estimates. */
export function itpScenario(traces: string): QueueScenario {
  const rows = readTraceJobs(join(traces, TRACE)).filter(({ tenant }) => tenant === "cluster04");
  return {
    name: "itp",
    nodes: uniformNodes(72, 8),
    jobs: replayJobs(rows, "none"),
    baselines: baselines(
      "fifo",
      "start-whatever-fits",
      "start-whatever-fits, random fit",
      "easy, true times",
      "easy, true times, random fit",
      "shortest first, true times",
      "shortest first, true times, strict",
      "shortest remaining first, true times",
    ),
  };
}

const FAIRNESS_LOAD = 0.89;

/**
 * All clusters of the training platform as tenants on one pool of nodes of 8, so large that the work takes 89 % of it in the
 * time from the first to the last submission.
 */
export function fairnessScenario(traces: string): QueueScenario {
  const jobs = replayJobs(readTraceJobs(join(traces, TRACE)), "none");
  const gpuMs = jobs.reduce((sum, job) => sum + job.spec.gpuCount * job.runMs, 0);
  const spanMs = (jobs.at(-1)?.submitMs ?? 0) - (jobs[0]?.submitMs ?? 0);
  return {
    name: "fairness",
    nodes: uniformNodes(Math.ceil(gpuMs / spanMs / FAIRNESS_LOAD / 8), 8),
    jobs,
    baselines: baselines("fifo", "start-whatever-fits", "least-used tenant first", "shortest first, true times"),
  };
}
