import { baselines, type QueueScenario } from "../compare.ts";
import type { Custom } from "../options.ts";
import { readTraceJobs, readTraceNodes, uniformNodes } from "../trace.ts";
import { inCoreParts, replayJobs } from "../workload.ts";

/** Any trace of the known form on any hosts. The baselines look at whole GPUs alone: fractions and models have none. */
export function customScenario({ jobs: path, nodes, limits }: Custom): QueueScenario {
  const jobs = replayJobs(readTraceJobs(path), limits);
  const isWhole = jobs.every(({ spec }) => spec.gpuMilli === undefined && spec.gpuModel === undefined);
  return {
    name: path,
    nodes: inCoreParts(nodesOf(nodes)),
    jobs: jobs.filter(({ runMs }) => Number.isFinite(runMs)),
    baselines: isWhole ? baselines() : [],
  };
}

function nodesOf(text: string) {
  const uniform = /^(\d+)x(\d+)$/.exec(text);
  return uniform ? uniformNodes(Number(uniform[1]), Number(uniform[2])) : readTraceNodes(text);
}
