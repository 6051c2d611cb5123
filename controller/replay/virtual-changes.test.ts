/** What changes in a virtual cluster while it runs, and what users do there besides submitting. */
import { expect, test } from "vitest";
import { policyNamed } from "../core/model/policy.ts";
import { metricsOf } from "./metrics.ts";
import type { RunRecord } from "./record.ts";
import { VirtualCluster } from "./virtual-cluster.ts";
import type { ClusterEvent, ReplayJob, ReplayNode } from "./workload.ts";

const SECOND = 1_000;

function node(name: string, gpus: number): ReplayNode {
  return { name, gpus, gpuModel: "Test GPU", gpuMemoryMb: 80_000, cpuCores: 64, memoryMb: 100_000 };
}

function job(name: string, submitS: number, gpus: number, runS: number, more: Partial<ReplayJob> = {}): ReplayJob {
  const spec = { name: "job", gpuCount: gpus, cpuCores: 1, memoryMb: 1, ...more.spec };
  return { name, tenant: "t", submitMs: submitS * SECOND, runMs: runS * SECOND, ...more, spec };
}

function run(
  nodes: readonly ReplayNode[],
  jobs: readonly ReplayJob[],
  events: readonly ClusterEvent[] = [],
): RunRecord {
  return new VirtualCluster({ nodes, tenants: [{ id: "t" }], events, policy: policyNamed("fifo") }).run(jobs);
}

/** Start, end and how it ended, of each job's attempts in seconds. */
function story({ jobs }: RunRecord): Record<string, string> {
  return Object.fromEntries(
    jobs.map(({ job: { name }, attempts, refusal, droppedMs }) => {
      if (droppedMs !== undefined) return [name, `dropped at ${droppedMs / SECOND}`];
      const runs = attempts.map((a) => `${a.startMs / SECOND}-${(a.endMs ?? 0) / SECOND} ${a.ended}`);
      return [name, refusal ?? runs.join(", ")];
    }),
  );
}

test("nodes join later, and leave with what runs on them; capacity counts while it is there", () => {
  const record = run(
    [node("node-1", 1)],
    [job("a", 0, 1, 100), job("gang", 0, 2, 50, { spec: { name: "job", gpuCount: 2, gang: true } })],
    [
      { atMs: 20 * SECOND, kind: "join", node: node("node-2", 2) },
      { atMs: 40 * SECOND, kind: "leave", node: "node-2" },
      { atMs: 60 * SECOND, kind: "join", node: node("node-2", 4) },
    ],
  );
  expect(story(record)).toEqual({ a: "0-100 over", gang: "20-40 lost, 60-110 over" });
  expect(record.capacity?.map(({ atMs, gpus }) => [atMs / SECOND, gpus])).toEqual([
    [0, 1],
    [20, 3],
    [40, 1],
    [60, 5],
  ]);
  const { all, timeline } = metricsOf(record);
  // Held: 100 s, and 2 × (20 + 50) s; there were 20, 60, 20 and 250 GPU-seconds.
  expect(timeline.utilisationPercent).toBeCloseTo((100 * 240) / 350);
  expect(all.preemptions).toBe(0);
});

test("a gang of which one node leaves is stopped on the others, and starts anew", () => {
  const spec = { name: "job", gpuCount: 2, gang: true, gpusPerNode: 1 };
  const record = run(
    [node("node-1", 1), node("node-2", 1), node("node-3", 1)],
    [job("gang", 0, 2, 50, { spec })],
    [{ atMs: 10 * SECOND, kind: "leave", node: "node-1" }],
  );
  expect(story(record)).toEqual({ gang: "0-10 lost, 10-60 over" });
});

test("users take jobs back, before they start or while they run; one that ends in that moment has ended by itself", () => {
  const record = run(
    [node("node-1", 1)],
    [
      job("ends", 0, 1, 10, { cancelMs: 10 * SECOND }),
      job("runs", 0, 1, 100, { cancelMs: 30 * SECOND }),
      job("waits", 0, 1, 10, { cancelMs: 20 * SECOND }),
      job("last", 0, 1, 5, { after: ["ends"] }),
      job("never", 0, 1, 5, { after: ["runs"] }),
    ],
  );
  expect(story(record)).toEqual({
    ends: "0-10 over",
    runs: "10-30 over",
    waits: "dropped at 20",
    last: "30-35 over",
    never: "",
  });
});

test("an array is one submission whose jobs have times of their own, and is waited for as a whole", () => {
  const array = { array: "all" };
  const record = run(
    [node("node-1", 2)],
    [
      job("0", 0, 1, 10, array),
      job("1", 0, 1, 30, array),
      job("after", 0, 2, 5, { after: ["all"], notBeforeMs: 20 * SECOND }),
      job("later", 0, 2, 5, { notBeforeMs: 40 * SECOND }),
    ],
  );
  expect(story(record)).toEqual({ 0: "0-10 over", 1: "0-30 over", after: "30-35 over", later: "40-45 over" });
});

test("a job that fails by itself is tried again with the next of its times", () => {
  const failures = [{ runMs: 5 * SECOND, exitCode: 1 }];
  const spec = { name: "job", gpuCount: 1, maxRetries: 3 };
  const record = run([node("node-1", 1)], [job("a", 0, 1, 20, { failures, spec })]);
  expect(story(record)).toEqual({ a: "0-5 failed, 15-35 over" });
  expect(metricsOf(record).all.preemptions).toBe(0);
});

test("tenants change: a limit that is raised lets waiting jobs start", () => {
  const events: ClusterEvent[] = [
    { atMs: 0, kind: "tenant", tenant: { id: "u", limits: { gpus: 1 } } },
    { atMs: 10 * SECOND, kind: "tenant", tenant: { id: "u", limits: { gpus: 2 } } },
    { atMs: 20 * SECOND, kind: "tenant", tenant: { id: "u", active: false } },
  ];
  const jobs = [0, 0, 25].map((at, index) => job(String(index), at, 1, 30, { tenant: "u" }));
  expect(story(run([node("node-1", 2)], jobs, events))).toEqual({
    0: "0-30 over",
    1: "10-40 over",
    2: "Tenant is not active",
  });
});
