import { join } from "node:path";
import { VirtualCluster } from "../../../controller/replay/virtual-cluster.ts";
import { milliOf, type ReplayJob, type ReplayNode } from "../../../controller/replay/workload.ts";
import { Random } from "../../../test/support/random.ts";
import { fgd } from "../baselines/fgd.ts";
import { fits, type PackingNode, packingNode, type Pod, podOf, put } from "../baselines/packing-cluster.ts";
import {
  bestFit,
  clustering,
  dotProduct,
  firstFit,
  packing,
  randomFit,
  type Scale,
  type Scorer,
} from "../baselines/packing-scores.ts";
import type { Policies } from "../policies.ts";
import type { ScenarioResult } from "../result.ts";
import { readTraceJobs, readTraceNodes } from "../trace.ts";
import { inCoreParts, replayJobs, tenantsOf } from "../workload.ts";

/** Pods come until they have asked for this part of the cluster's GPUs. */
const ARRIVED = 1.3;
/** The largest host's cores, in the parts in which they are counted, and its GPUs: what Weng et al. divide by. */
const SCALE: Scale = { cpu: 128 * 1_000, milli: 8_000 };

/** A workload that never leaves, on the nodes that it fills. */
export interface Saturation {
  readonly trace: string;
  readonly nodes: readonly ReplayNode[];
  readonly jobs: readonly ReplayJob[];
}

/** Puts a job somewhere, or says that it does not fit. */
type TryStart = (job: ReplayJob) => boolean;

/** Reads one of the traces of pods. */
export function saturationOf(traces: string, trace: string): Saturation {
  const rows = readTraceJobs(join(traces, `openb_pods_${trace}.jobs.csv.gz`));
  const nodes = inCoreParts(readTraceNodes(join(traces, "openb_gpu.nodes.csv.gz")));
  const jobs = replayJobs(rows, "none").map((job) => ({ ...job, submitMs: 0, runMs: Number.POSITIVE_INFINITY }));
  return { trace, nodes, jobs };
}

/** The simple packers, by name. */
const PACKERS = new Map<string, (random: Random, workload: readonly Pod[]) => Scorer>([
  ["random", (random) => randomFit(random)],
  ["dot product", () => dotProduct(SCALE)],
  ["clustering", () => clustering(SCALE)],
  ["packing", () => packing],
  ["best fit", () => bestFit(SCALE)],
  ["first fit", () => firstFit],
  ["fgd", (_random, workload) => fgd(workload)],
  ["fgd, ties by best fit", (_random, workload) => fgd(workload, bestFit(SCALE))],
]);

export interface SaturationRuns {
  readonly seeds: number;
  /** Whether the core's policies fill the same hosts in another order as well, another one with each seed. */
  readonly permutesNodes: boolean;
}

/** Fills the cluster under every policy; figures are means over the seeds 1, 2, …. */
export function* saturate(
  saturation: Saturation,
  { seeds, permutesNodes }: SaturationRuns,
  { core, isWanted }: Policies,
): Generator<ScenarioResult> {
  const { nodes, jobs, trace } = saturation;
  for (const [name, scorer] of PACKERS) {
    if (!isWanted(name)) continue;
    const start = (random: Random) => packer(nodes, scorer(random, jobs.map(podOf)));
    yield measure(saturation, `saturation ${trace}`, name, seeds, start);
  }
  for (const [name, policy] of core) {
    if (!isWanted(`core: ${name}`)) continue;
    const start = (own: readonly ReplayNode[]): TryStart => {
      const cluster = new VirtualCluster({ nodes: own, tenants: tenantsOf(jobs), policy });
      return (job) => cluster.tryStart(job);
    };
    yield measure(saturation, `saturation ${trace}`, `core: ${name}`, seeds, () => start(nodes));
    if (!permutesNodes) continue;
    const permuted = (random: Random) => start(permute(nodes, random));
    yield measure(saturation, `saturation ${trace}`, `core: ${name}, nodes permuted`, seeds, permuted);
  }
}

/** The same hosts in another order, and each by the name of another, since ties go by name. */
function permute(nodes: readonly ReplayNode[], random: Random): ReplayNode[] {
  return shuffled(nodes, random).map((node, index) => ({ ...node, name: nodes[index]?.name ?? node.name }));
}

function measure(
  saturation: Saturation,
  scenario: string,
  policy: string,
  seeds: number,
  start: (random: Random) => TryStart,
): ScenarioResult {
  const startMs = performance.now();
  const runs = Array.from({ length: seeds }, (_, index) => {
    const random = new Random(index + 1);
    return fill(saturation, random, start(new Random(index + 1_001)));
  });
  const mean = (pick: (run: (typeof runs)[number]) => number) => runs.reduce((sum, run) => sum + pick(run), 0) / seeds;
  const tookS = (performance.now() - startMs) / 1_000;
  const at100 = mean(({ at100Percent }) => at100Percent);
  const figures = {
    "alloc % at 100 %": at100,
    deviation: Math.sqrt(mean(({ at100Percent }) => (at100Percent - at100) ** 2)),
    "alloc % at 130 %": mean(({ atEndPercent }) => atEndPercent),
    dropped: mean(({ dropped }) => dropped),
    "µs a pod": (tookS * 1e6) / seeds / mean(({ arrived }) => arrived),
  };
  return { scenario, policy, tookS, figures };
}

/** One run: what is allocated, in percent of all GPUs, when all of them have been asked for, and at the end. */
function fill({ nodes, jobs }: Saturation, random: Random, tryStart: TryStart) {
  const capacity = nodes.reduce((sum, { gpus }) => sum + gpus, 0) * 1_000;
  let [arrivedMilli, allocatedMilli, at100Milli, dropped, arrived] = [0, 0, 0, 0, 0];
  for (const job of arrivals(jobs, random, ARRIVED * capacity)) {
    const milli = milliOf(job);
    arrived += 1;
    arrivedMilli += milli;
    if (tryStart(job)) allocatedMilli += milli;
    else dropped += 1;
    if (arrivedMilli <= capacity) at100Milli = allocatedMilli;
  }
  return {
    at100Percent: (at100Milli / capacity) * 100,
    atEndPercent: (allocatedMilli / capacity) * 100,
    dropped,
    arrived,
  };
}

/** The jobs, some of them more than once so that together they ask for so many thousandths of a GPU, in a random order. */
function arrivals(jobs: readonly ReplayJob[], random: Random, milli: number): ReplayJob[] {
  const drawn = shuffled(jobs, random);
  let total = drawn.reduce((sum, job) => sum + milliOf(job), 0);
  while (total < milli) {
    const job = random.pick(jobs);
    if (!job) break;
    drawn.push(job);
    total += milliOf(job);
  }
  return shuffled(drawn, random);
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = random.between(0, last);
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}

function packer(nodes: readonly ReplayNode[], scorer: Scorer): TryStart {
  const all: PackingNode[] = nodes.map(packingNode);
  return (job) => {
    const pod = podOf(job);
    let chosen: PackingNode | undefined;
    let [value, device] = [Number.NEGATIVE_INFINITY, -1];
    for (const node of all) {
      if (!fits(node, pod)) continue;
      const score = scorer(node, pod);
      if (chosen && score.value <= value) continue;
      chosen = node;
      ({ value, device } = score);
    }
    if (chosen) put(chosen, pod, device);
    return chosen !== undefined;
  };
}
