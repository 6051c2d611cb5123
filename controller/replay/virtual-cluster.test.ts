import { describe, expect, test } from "vitest";
import { policyNamed } from "../core/model/policy.ts";
import type { RunRecord } from "./record.ts";
import { VirtualCluster } from "./virtual-cluster.ts";
import type { ReplayJob, ReplayNode, ReplaySpec } from "./workload.ts";

const FIFO = policyNamed("fifo");

function nodes(count: number, gpus: number): ReplayNode[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `node-${index + 1}`,
    gpus,
    gpuModel: "Test GPU",
    gpuMemoryMb: 80_000,
    cpuCores: 100,
    memoryMb: 100_000,
    allowsSharing: true,
  }));
}

function job(name: string, submitS: number, gpus: number, runS: number, spec: Partial<ReplaySpec> = {}): ReplayJob {
  return {
    name,
    tenant: "t",
    submitMs: submitS * 1_000,
    runMs: runS * 1_000,
    spec: { name: "job", gpuCount: gpus, cpuCores: 1, memoryMb: 1, ...spec },
  };
}

function cluster(count: number, gpus: number): VirtualCluster {
  return new VirtualCluster({ nodes: nodes(count, gpus), tenants: [{ id: "t" }], policy: FIFO });
}

/** Start and end of each job's attempts in seconds. */
function story({ jobs }: RunRecord): Record<string, string> {
  const seconds = (ms: number | undefined) => (ms === undefined ? "" : ms / 1_000);
  return Object.fromEntries(
    jobs.map(({ job: { name }, attempts, refusal, droppedMs }) => {
      if (refusal !== undefined) return [name, refusal];
      if (droppedMs !== undefined) return [name, `dropped at ${seconds(droppedMs)}`];
      return [name, attempts.map(({ startMs, endMs }) => `${seconds(startMs)}-${seconds(endMs)}`).join(" ")];
    }),
  );
}

describe("a replay", () => {
  test("starts and ends jobs when the core lets them and their time has passed", () => {
    const run = cluster(1, 2).run([job("a", 0, 2, 10), job("b", 1, 1, 5), job("c", 2, 1, 20), job("d", 3, 2, 4)]);
    expect(story(run)).toEqual({ a: "0-10", b: "10-15", c: "10-30", d: "30-34" });
  });

  test("takes everything of one moment together: an end makes room for who comes at the same time", () => {
    const run = cluster(1, 1).run([job("a", 0, 1, 10), job("b", 10, 1, 5), job("c", 10, 1, 5)]);
    expect(story(run)).toEqual({ a: "0-10", b: "10-15", c: "15-20" });
  });

  test("lets the core end a job at its limit", () => {
    const limited = job("a", 0, 1, 300, { maxRuntimeMinutes: 1 });
    expect(story(cluster(1, 1).run([limited, job("b", 0, 1, 1)]))).toEqual({ a: "0-60", b: "60-61" });
  });

  test("lets a job take its time to stop, but no more than its grace", () => {
    const limited = job("a", 0, 1, 300, { maxRuntimeMinutes: 1, graceSeconds: 5 });
    for (const [stopTakesMs, end] of [
      [2_000, 62],
      [30_000, 65],
    ] as const) {
      const slow = new VirtualCluster({ nodes: nodes(1, 1), tenants: [{ id: "t" }], stopTakesMs });
      expect(story(slow.run([limited]))).toEqual({ a: `0-${end}` });
    }
  });

  test("runs a gang on all of its nodes and frees them together", () => {
    const gang = job("gang", 0, 4, 10, { gang: true, gpusPerNode: 2 });
    const run = cluster(2, 2).run([gang, job("b", 1, 2, 5)]);
    expect(story(run)).toEqual({ gang: "0-10", b: "10-15" });
    expect(run.jobs[0]?.attempts[0]?.shares.map(({ node }) => node)).toEqual(["node-1", "node-2"]);
  });

  test("lets fractions share a device", () => {
    const share = { gpuMilli: 500 };
    const run = cluster(1, 1).run([job("a", 0, 1, 10, share), job("b", 0, 1, 10, share), job("c", 0, 1, 10, share)]);
    expect(story(run)).toEqual({ a: "0-10", b: "0-10", c: "10-20" });
  });

  test("ends although a job can never start", () => {
    const run = cluster(1, 1).run([job("a", 0, 1, 10), job("never", 0, 2, 10)]);
    expect(story(run)).toEqual({ a: "0-10", never: "" });
  });

  test("keeps the reason for which the core refused a job", () => {
    const small = new VirtualCluster({ nodes: nodes(1, 2), tenants: [{ id: "t", limits: { gpus: 1 } }] });
    expect(story(small.run([job("a", 0, 2, 10)]))).toEqual({ a: "Tenant quota exceeded" });
  });

  test("tells the core of checkpoints", () => {
    const saving = { ...job("a", 0, 1, 40), checkpointEveryMs: 15_000 };
    const world = cluster(1, 1);
    world.run([saving]);
    const [row] = world.state.jobs.values();
    expect(row?.history.filter(({ kind }) => kind === "checkpoint")).toHaveLength(2);
  });

  test("refuses jobs that are not in the order of their submission", () => {
    expect(() => cluster(1, 1).run([job("a", 10, 1, 1), job("b", 5, 1, 1)])).toThrow("comes before");
  });
});

test("a job that does not start at once can be taken back", () => {
  const full = cluster(1, 2);
  const endless = (name: string, gpus: number) => job(name, 0, gpus, Number.POSITIVE_INFINITY);
  expect([endless("a", 1), endless("b", 2), endless("c", 1)].map((one) => full.tryStart(one))).toEqual([
    true,
    false,
    true,
  ]);
  expect(story(full.record())).toEqual({ a: "0-", b: "dropped at 0", c: "0-" });
});
