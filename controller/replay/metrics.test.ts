import { describe, expect, test } from "vitest";
import { maxMinShares } from "./max-min.ts";
import { distributionOf, metricsOf } from "./metrics.ts";
import type { AttemptEnd, AttemptRecord, JobRecord, RunRecord } from "./record.ts";

const HOUR_S = 3_600;

/** An attempt on node `a` unless told otherwise; times in seconds. */
function attempt(
  startS: number,
  endS: number,
  devices: string[],
  ended: AttemptEnd = "over",
  keptS = 0,
): AttemptRecord {
  const shares = [{ node: devices[0]?.split("/")[0] ?? "a", devices }];
  const keptMs = (ended === "over" ? endS - startS : keptS) * 1_000;
  return { startMs: startS * 1_000, endMs: endS * 1_000, shares, ended, keptMs };
}

function record(tenant: string, submitS: number, gpus: number, attempts: AttemptRecord[]): JobRecord {
  const spec = { name: "job", gpuCount: gpus };
  const job = { name: "job", tenant, submitMs: submitS * 1_000, runMs: 0, spec };
  return { job, attempts, refusal: undefined, droppedMs: undefined };
}

function metrics(jobs: JobRecord[], nodes: RunRecord["nodes"] = [{ name: "a", gpus: 4, gpuModel: "X" }]) {
  return metricsOf({ nodes, jobs });
}

const FOUR = ["a/0", "a/1", "a/2", "a/3"];

describe("figures of jobs", () => {
  test("count waits, completion and slowdown from submission", () => {
    const { all } = metrics([
      record("t", 0, 1, [attempt(0, 5, ["a/0"])]),
      record("t", 0, 1, [attempt(5, 25, ["a/0"])]),
      record("t", 10, 1, [attempt(25, 27, ["a/0"])]),
      record("t", 10, 1, []),
    ]);
    expect(all).toMatchObject({ submitted: 4, started: 3, unstarted: 1, preemptions: 0 });
    expect(all.waitS).toEqual({ count: 3, mean: 20 / 3, p50: 5, p90: 15, p99: 15, max: 15 });
    expect(all.completionS.mean).toBe((5 + 25 + 17) / 3);
    // 5 s at once is no slowdown; 25 s for 20 s; 17 s for 2 s, which count as 10.
    expect(all.boundedSlowdown).toBeCloseTo((1 + 1.25 + 1.7) / 3);
  });

  test("tell waits after a preemption apart, and what was lost", () => {
    const { all } = metrics([
      record("t", 0, 4, [
        attempt(10, 10 + HOUR_S, FOUR, "requeued", HOUR_S / 4),
        attempt(100 + HOUR_S, 100 + 2 * HOUR_S, FOUR),
      ]),
      record("t", 0, 4, [attempt(0, HOUR_S, FOUR, "cut-off")]),
    ]);
    expect(all.waitS.mean).toBe(5);
    expect(all.requeueWaitS).toMatchObject({ count: 1, mean: 90 });
    expect(all.preemptions).toBe(2);
    expect(all.lostGpuHours).toBe(3 + 4);
    expect(all.gpuHours).toBe(12);
    expect(all.completionS).toMatchObject({ count: 1, mean: 100 + 2 * HOUR_S });
    expect(all.delayS).toMatchObject({ count: 1, mean: 100 + 0.75 * HOUR_S });
  });

  test("are given by tenant and by size", () => {
    const { byTenant, bySize } = metrics([
      record("x", 0, 1, [attempt(1, 2, ["a/0"])]),
      record("y", 0, 4, [attempt(3, 4, FOUR)]),
    ]);
    expect([...byTenant].map(([tenant, { waitS }]) => [tenant, waitS.mean])).toEqual([
      ["x", 1],
      ["y", 3],
    ]);
    expect([...bySize].map(([size, { waitS }]) => [size, waitS.mean])).toEqual([
      ["1", 1],
      ["2-7", 3],
    ]);
  });

  test("have percentiles of the nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(distributionOf(hundred)).toEqual({ count: 100, mean: 50.5, p50: 50, p90: 90, p99: 99, max: 100 });
    expect(distributionOf([])).toEqual({ count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 });
  });
});

describe("figures of the cluster", () => {
  test("say how much of it was held, and how fairly while somebody waited", () => {
    const { timeline } = metrics([
      record("x", 0, 4, [attempt(0, 10, FOUR)]),
      record("y", 0, 4, [attempt(10, 15, FOUR)]),
      record("x", 15, 2, [attempt(15, 20, ["a/0", "a/1"])]),
    ]);
    expect(timeline).toMatchObject({ spanMs: 20_000, capacityGpus: 4, queuedTimePercent: 50 });
    expect(timeline.utilisationPercent).toBe(((40 + 20 + 10) / 80) * 100);
    expect(timeline).toMatchObject({ allocatedWhileQueuedPercent: 100, unallocatedWhileQueuedGpus: 0 });
    // For 10 s both want 4 of 4 GPUs: 2 each are fair, and y has none.
    expect(timeline.unfairPercent).toBe(50);
  });

  test("count as a shortfall only what a tenant asked for", () => {
    const { timeline } = metrics([
      record("x", 0, 3, [attempt(0, 10, ["a/0", "a/1", "a/2"])]),
      record("y", 0, 2, [attempt(10, 20, ["a/0", "a/1"])]),
    ]);
    // Shares are 2 and 2. One GPU is free, and y holds none: 2 of 4.
    expect(timeline.unfairPercent).toBe(50);
    expect(timeline.unallocatedWhileQueuedGpus).toBe(1);
  });

  test("say how much of what is free is of no use to jobs like these", () => {
    const { timeline } = metrics(
      [
        record("t", 0, 1, [attempt(0, 10, ["a/0"])]),
        record("t", 0, 1, [attempt(0, 10, ["b/0"])]),
        record("t", 0, 2, [attempt(10, 20, ["a/0", "a/1"])]),
      ],
      [
        { name: "a", gpus: 2, gpuModel: "X" },
        { name: "b", gpus: 2, gpuModel: "X" },
      ],
    );
    // One GPU is free on each node. It serves two jobs of three.
    expect(timeline.fragmentedPercent).toBeCloseTo(100 / 3);
  });

  test("are zero for an empty replay", () => {
    expect(metrics([]).timeline).toMatchObject({ spanMs: 0, utilisationPercent: 0, unfairPercent: 0 });
  });
});

test("max-min shares fill small demands first", () => {
  expect(maxMinShares([10, 1, 5], 9)).toEqual([4, 1, 4]);
  expect(maxMinShares([1, 2], 9)).toEqual([1, 2]);
  expect(maxMinShares([], 9)).toEqual([]);
});
