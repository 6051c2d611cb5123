import { existsSync } from "node:fs";
import type { ReplayJob, ReplayNode } from "../../../controller/replay/workload.ts";
import { baselines, type QueueScenario } from "../compare.ts";
import { TraceError } from "../csv.ts";
import type { Custom } from "../options.ts";
import { canEverStart } from "../possible.ts";
import { readTraceJobs, readTraceNodes, type TraceJob, uniformNodes } from "../trace.ts";
import type { Note } from "../trace-row.ts";
import { inCoreParts, replayJobs } from "../workload.ts";

/** Devices of all uniform nodes: more than any cluster has, and no more than fit into memory. */
const MAX_UNIFORM_GPUS = 1_000_000;
/** Names of jobs that are given as examples. */
const EXAMPLES = 5;

/**
 * Any trace of the known form on any hosts. What cannot be replayed is left out, and told of: jobs of which it is not known
 * when they came or how long they ran, and those that would not start on the empty cluster either. The baselines look at whole
 * GPUs alone: fractions and models have none.
 *
 * @throws TraceError
 */
export function customScenario(custom: Custom, note: Note = console.error): QueueScenario {
  const { jobs: path, limits } = custom;
  const rows = readTraceJobs(path, note);
  const nodes = inCoreParts(nodesOf(custom.nodes, note));
  const timed = rows.filter(({ submitS, durationS }) => submitS !== undefined && durationS !== undefined);
  tellLeftOut(`${path}: jobs without submit_s or duration_s, left out`, rows, timed, note);
  tellShares(path, timed, note);
  const known = replayJobs(timed, limits);
  const isPossible = canEverStart(nodes);
  const jobs = known.filter(isPossible);
  tellLeftOut(`${path}: jobs that do not fit even on the empty nodes, left out`, known, jobs, note);
  if (jobs.length === 0) throw new TraceError(`${path} has no job that can be replayed`);
  return { name: path, nodes, jobs, baselines: baselinesFor(jobs, note) };
}

function baselinesFor(jobs: readonly ReplayJob[], note: Note) {
  if (jobs.every(({ spec }) => spec.gpuMilli === undefined && spec.gpuModel === undefined)) return baselines();
  note("jobs ask for parts of a GPU or for models, at which the baselines do not look: the core alone is measured");
  return [];
}

function tellLeftOut<J extends { readonly name: string }>(
  what: string,
  all: readonly J[],
  kept: readonly J[],
  note: Note,
): void {
  if (kept.length === all.length) return;
  const left = new Set(all).difference(new Set(kept));
  const examples = [...left].slice(0, EXAMPLES).map(({ name }) => name);
  note(`${what}: ${left.size} of ${all.length} (${examples.join(", ")}${left.size > EXAMPLES ? ", …" : ""})`);
}

function tellShares(path: string, rows: readonly TraceJob[], note: Note): void {
  const { length } = rows.filter(({ gpus, gpuMilli }) => gpus > 1 && gpuMilli !== undefined && gpuMilli < 1_000);
  if (length > 0) note(`${path}: jobs that ask for parts of several GPUs, and are given them whole: ${length}`);
}

function nodesOf(text: string, note: Note): ReplayNode[] {
  const [, count, gpus] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (count === undefined || gpus === undefined) {
    if (!existsSync(text)) throw new TraceError(`--nodes ${text} is neither a file nor NxG, such as 16x8`);
    return readTraceNodes(text, note);
  }
  const total = Number(count) * Number(gpus);
  if (total < 1) throw new TraceError(`--nodes ${text}: there must be a node with a GPU`);
  if (total > MAX_UNIFORM_GPUS) throw new TraceError(`--nodes ${text}: more than ${MAX_UNIFORM_GPUS} GPUs`);
  return uniformNodes(Number(count), Number(gpus));
}
