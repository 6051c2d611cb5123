import type { BenchRow, Limit } from "./report.ts";
import { CoreCluster, lastQueued, submission } from "./support/core-cluster.ts";
import { type BenchOptions, durations } from "./support/options.ts";
import { Samples } from "./support/samples.ts";

const CLUSTERS = [10, 100, 1_000] as const;
/** Jobs placed by one pass. */
const BATCH = 32;
const FULL_NODES = 100;
const QUEUES = [
  { jobs: 0, kinds: 1 },
  { jobs: 1_000, kinds: 1 },
  { jobs: 10_000, kinds: 1 },
  { jobs: 10_000, kinds: 100 },
] as const;

/** What the pure core costs, without a store, a network or a clock. */
export async function benchCore(options: BenchOptions): Promise<BenchRow[]> {
  const { measureMs, warmUpMs } = durations(options);
  const json = measureJson(measureMs / 5);
  const placements = CLUSTERS.map((nodes) => {
    measurePlacements(nodes, warmUpMs, json);
    return measurePlacements(nodes, measureMs, json);
  });
  return [...placements, ...QUEUES.flatMap((queue) => measureQueue(queue, measureMs, json))];
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
  while (spentMs < durationMs) {
    const startMs = performance.now();
    const out = cluster.apply(inputs);
    spentMs += performance.now() - startMs;
    placed += out.effects.length;
    cluster.obey(out);
    cluster.apply(cluster.ends(BATCH));
  }
  const name = `core: placements, ${nodes.toLocaleString("en-US")} nodes`;
  const note = `1 GPU each, ${BATCH} in a pass, half of ${cluster.gpus.toLocaleString("en-US")} GPUs in use`;
  return { name, value: (placed * 1_000) / spentMs, unit: "/s", limit: json, note };
}

/** The cluster is full: what one more submission costs, and what the end of a job does, which lets the next one start. */
function measureQueue(queue: (typeof QUEUES)[number], durationMs: number, json: Limit): BenchRow[] {
  const cluster = new CoreCluster(FULL_NODES);
  const fill = (count: number) =>
    Array.from({ length: count }, (_, index) => submission({ cpuCores: 1 + (index % queue.kinds) }));
  cluster.obey(cluster.apply(fill(cluster.gpus)));
  cluster.apply(fill(queue.jobs));
  const submitUs = new Samples();
  const endUs = new Samples();
  const timed = (samples: Samples, inputs: Parameters<CoreCluster["apply"]>[0]) => {
    const startMs = performance.now();
    const out = cluster.apply(inputs);
    samples.add((performance.now() - startMs) * 1_000);
    return out;
  };
  for (const startMs = performance.now(); performance.now() - startMs < durationMs; ) {
    timed(submitUs, [submission()]);
    cluster.apply([{ kind: "cancel-job", jobId: lastQueued(cluster.state) }]);
    cluster.obey(timed(endUs, cluster.ends(1)));
    cluster.obey(cluster.apply([submission({ cpuCores: 1 + (endUs.count % queue.kinds) })]));
  }
  const kinds = queue.kinds > 1 ? ` of ${queue.kinds} kinds` : "";
  const behind = `${queue.jobs.toLocaleString("en-US")} queued${kinds}`;
  const limit = { name: "JSON round trip of a job's row", value: 1_000_000 / json.value };
  return (
    [
      ["a submission", submitUs],
      ["a job's end", endUs],
    ] as const
  ).map(([what, samples]) => {
    const name = `core: ${what}, ${behind}`;
    return {
      name,
      value: samples.percentile(50),
      unit: "µs",
      limit,
      note: `p99 ${Math.round(samples.percentile(99))} µs`,
    };
  });
}
