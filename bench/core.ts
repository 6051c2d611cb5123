import type { Plot, PlotPoint } from "./plot.ts";
import type { BenchRow, Limit } from "./report.ts";
import { CoreCluster, GPUS_PER_NODE, submission } from "./support/core-cluster.ts";
import { type BenchOptions, durations } from "./support/options.ts";
import { Samples } from "./support/samples.ts";

const CLUSTERS = [10, 100, 1_000, 10_000] as const;
/** Jobs placed by one pass. */
const BATCH = 32;
/** A cluster that is full, and who waits for it. */
interface Queue {
  readonly nodes: number;
  readonly jobs: number;
  readonly kinds: number;
  /** Takes longer to fill than a quick run may. */
  readonly isLarge?: boolean;
}
const QUEUES: readonly Queue[] = [
  { nodes: 100, jobs: 0, kinds: 1 },
  { nodes: 100, jobs: 10_000, kinds: 1 },
  { nodes: 100, jobs: 10_000, kinds: 100 },
  { nodes: 1_000, jobs: 100, kinds: 100 },
  { nodes: 1_000, jobs: 1_000, kinds: 100 },
  { nodes: 1_000, jobs: 10_000, kinds: 100 },
  { nodes: 1_000, jobs: 100_000, kinds: 100 },
  { nodes: 1_000, jobs: 1_000_000, kinds: 100, isLarge: true },
  { nodes: 10_000, jobs: 100_000, kinds: 10, isLarge: true },
];
/** The queues that differ in their length alone. */
const isPlotted = ({ nodes, kinds }: Queue) => nodes === 1_000 && kinds === 100;

const PLACEMENTS: Plot = {
  name: "placements",
  title: "Placements of the pure core, cluster half full",
  x: "nodes of 8 GPUs",
  y: "placements a second",
  targets: [{ text: "aim: 100,000", value: 100_000 }],
};
const TURNS: Plot = {
  name: "turns",
  title: "One submission, and one end with the next start",
  x: "waiting jobs of 100 kinds, 1,000 full nodes of 8 GPUs",
  y: "microseconds",
  targets: [
    { text: "aim: end, p99", value: 1_000 },
    { text: "aim: submission, p99", value: 100 },
  ],
};
/** Jobs submitted at once to fill a queue. */
const FILL = 1_000;

/** What the pure core costs, without a store, a network or a clock. */
export async function benchCore(options: BenchOptions): Promise<BenchRow[]> {
  const { measureMs, warmUpMs } = durations(options);
  const json = measureJson(measureMs / 5);
  const placements = CLUSTERS.map((nodes) => {
    measurePlacements(nodes, warmUpMs, json);
    return measurePlacements(nodes, measureMs, json);
  });
  const queues = QUEUES.filter(({ isLarge }) => !(options.quick && isLarge));
  return [...placements, ...queues.flatMap((queue) => measureQueue(queue, measureMs, json))];
}

/** The row of a running job to JSON and back: what storing and loading a placement costs at least, on one core. */
function measureJson(durationMs: number): Limit {
  const cluster = new CoreCluster(1);
  cluster.obey(cluster.apply([submission()]));
  const job = [...cluster.state.jobs.values()];
  let count = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < durationMs) {
    JSON.parse(JSON.stringify(job));
    count += 1;
  }
  return { name: "JSON round trips of a job's row", value: (count * 1_000) / (performance.now() - startMs) };
}

/** Fills half of the cluster, then submits and places jobs as others end, so that it stays half full. */
function measurePlacements(nodes: number, durationMs: number, json: Limit): BenchRow {
  const cluster = new CoreCluster(nodes);
  const inputs = Array.from({ length: BATCH }, () => submission());
  while (cluster.running < cluster.gpus / 2)
    cluster.obey(cluster.apply(inputs.slice(0, cluster.gpus / 2 - cluster.running)));
  let [spentMs, placed] = [0, 0];
  const passMs = new Samples();
  while (spentMs < durationMs) {
    const startMs = performance.now();
    const out = cluster.apply(inputs);
    const tookMs = performance.now() - startMs;
    passMs.add(tookMs);
    spentMs += tookMs;
    placed += out.effects.length;
    cluster.obey(out);
    cluster.apply(cluster.ends(BATCH));
  }
  const name = `core: placements, ${nodes.toLocaleString("en-US")} nodes`;
  const inMedian = Math.round((BATCH * 1_000) / passMs.percentile(50)).toLocaleString("en-US");
  const gpus = cluster.gpus.toLocaleString("en-US");
  const note = `${inMedian} /s in the median pass; 1 GPU each, ${BATCH} in a pass, half of ${gpus} GPUs in use`;
  const value = (placed * 1_000) / spentMs;
  const points = [{ plot: PLACEMENTS, series: "placements", x: nodes, y: value }];
  return { name, value, unit: "/s", limit: json, note, points };
}

/** The cluster is full: what one more submission costs, what the end of a job does, which lets the next one start, and memory. */
function measureQueue(queue: Queue, durationMs: number, json: Limit): BenchRow[] {
  const cluster = new CoreCluster(queue.nodes);
  const kindOf = (index: number) => submission({ memoryMb: 1_024 + (index % queue.kinds) });
  const fill = (count: number) => Array.from({ length: count }, (_, index) => kindOf(index));
  cluster.obey(cluster.apply(fill(cluster.gpus)));
  const heapBefore = heapBytes();
  for (let left = queue.jobs; left > 0; left -= FILL) cluster.apply(fill(Math.min(FILL, left)));
  const bytesPerJob = (heapBytes() - heapBefore) / queue.jobs;
  const submitUs = new Samples();
  const endUs = new Samples();
  // The first turns of a kind work out what later ones only keep in step.
  const warmUp = queue.kinds * 2;
  let turns = 0;
  const timed = (samples: Samples, inputs: Parameters<CoreCluster["apply"]>[0]) => {
    const startMs = performance.now();
    const out = cluster.apply(inputs);
    if (turns > warmUp) samples.add((performance.now() - startMs) * 1_000);
    return out;
  };
  for (
    const startMs = performance.now();
    performance.now() - startMs < durationMs || turns <= warmUp + 10;
    turns += 1
  ) {
    timed(submitUs, [kindOf(turns)]);
    cluster.obey(timed(endUs, cluster.ends(1)));
  }
  return queueRows(queue, { submitUs, endUs, bytesPerJob }, json);
}

interface QueueFigures {
  readonly submitUs: Samples;
  readonly endUs: Samples;
  readonly bytesPerJob: number;
}

function queueRows(queue: Queue, { submitUs, endUs, bytesPerJob }: QueueFigures, json: Limit): BenchRow[] {
  const kinds = queue.kinds > 1 ? ` of ${queue.kinds} kinds` : "";
  const behind = `${queue.jobs.toLocaleString("en-US")} queued${kinds}, ${queue.nodes.toLocaleString("en-US")} nodes`;
  const limit = { name: "JSON round trip of a job's row", value: 1_000_000 / json.value };
  const row = (what: string, samples: Samples): BenchRow => ({
    name: `core: ${what}, ${behind}`,
    value: samples.percentile(50),
    unit: "µs",
    limit,
    note: `p99 ${Math.round(samples.percentile(99))} µs`,
    points: isPlotted(queue) ? [50, 99].map((part) => turnPoint(queue, what, samples, part)) : [],
  });
  // Beside a cluster that takes more memory than the queue nothing can be told of the queue's.
  const isTold = queue.jobs >= 10 * GPUS_PER_NODE * queue.nodes;
  const memory = isTold ? `, ${Math.round(bytesPerJob)} bytes of heap a waiting job` : "";
  const end = row("a job's end", endUs);
  return [row("a submission", submitUs), { ...end, note: `${end.note}${memory}` }];
}

function turnPoint(queue: Queue, what: string, samples: Samples, part: number): PlotPoint {
  return { plot: TURNS, series: `${what}, p${part}`, x: queue.jobs, y: samples.percentile(part) };
}

/** Bytes in use, after a collection where one can be asked for (`node --expose-gc`). */
function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
