import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY, type Policy, policyNamed } from "../../../controller/core/model/policy.ts";
import { metricsOf } from "../../../controller/replay/metrics.ts";
import type { RunRecord } from "../../../controller/replay/record.ts";
import { VirtualCluster } from "../../../controller/replay/virtual-cluster.ts";
import type { ReplayJob } from "../../../controller/replay/workload.ts";
import { Random } from "../../../test/support/random.ts";
import { uniformNodes } from "../trace.ts";
import { conservative } from "./conservative.ts";
import { easy } from "./easy.ts";
import { fifo, leastUsedTenantFirst, shortestFirst, startWhateverFits } from "./queue-policies.ts";
import { shortestRemainingFirst } from "./srtf.ts";
import { type QueuePolicy, QueueSimulator } from "./queue-simulator.ts";

const EASY: Policy = { ...DEFAULT_POLICY, backfillOrder: "queue", placement: "best-fit", fairShareHalfLifeMs: 0 };
const easyAsRequested = easy({ boundMs: (job) => job.requestedMs, backfill: "oldest-first" });

/** Jobs that more than fill the nodes for a while, all of different lengths. */
function randomJobs(seed: number, sizes: readonly number[]): ReplayJob[] {
  const random = new Random(seed);
  let submitMs = 0;
  return Array.from({ length: 200 }, (_, index) => {
    submitMs += random.between(0, 60_000);
    const gpus = random.pick(sizes) ?? 1;
    const runMs = random.between(1_000, 600_000);
    const limit = { maxRuntimeMinutes: Math.ceil(runMs / 60_000) + random.between(0, 5) };
    const gang = gpus > 8 ? { gang: true, gpusPerNode: 8 } : {};
    const spec = { name: "job", gpuCount: gpus, cpuCores: 0, memoryMb: 0, ...limit, ...gang };
    return { name: `${index}`, tenant: `t${index % 3}`, submitMs, runMs, spec };
  });
}

function starts({ jobs }: RunRecord): Record<string, number | undefined> {
  return Object.fromEntries(jobs.map(({ job, attempts }) => [job.name, attempts[0]?.startMs]));
}

function simulate(count: number, jobs: readonly ReplayJob[], policy: QueuePolicy): RunRecord {
  return new QueueSimulator(uniformNodes(count, 8), "best").run(jobs, policy);
}

describe("the simple schedulers and the production core start the same jobs at the same time", () => {
  const cases: [string, number, readonly number[], QueuePolicy, Policy][] = [
    ["fifo on one node", 1, [1, 2, 4, 8], fifo, policyNamed("fifo")],
    ["fifo with gangs", 4, [1, 2, 8, 16, 32], fifo, policyNamed("fifo")],
    [
      "whatever fits, with gangs",
      4,
      [1, 2, 8, 16, 32],
      startWhateverFits,
      { ...policyNamed("greedy"), fairShareHalfLifeMs: 0 },
    ],
    ["EASY on one node", 1, [1, 2, 4, 8], easyAsRequested, EASY],
    [
      "conservative backfill on one node",
      1,
      [1, 1, 1, 2],
      conservative((job) => job.requestedMs),
      { ...EASY, backfill: "conservative" },
    ],
  ];
  test.each(cases)("%s", (_name, count, sizes, baseline, policy) => {
    for (let seed = 1; seed <= 5; seed++) {
      const jobs = randomJobs(seed, sizes);
      const tenants = ["t0", "t1", "t2"].map((id) => ({ id }));
      const core = new VirtualCluster({ nodes: uniformNodes(count, 8), tenants, policy }).run(jobs);
      const simple = simulate(count, jobs, baseline);
      expect(starts(core), `seed ${seed}`).toEqual(starts(simple));
      expect(metricsOf(core), `seed ${seed}`).toEqual(metricsOf(simple));
    }
  });
});

/** Jobs of one node of 8, by submission, GPUs and seconds. */
function jobsOf(...rows: [name: string, submitS: number, gpus: number, runS: number, tenant?: string][]): ReplayJob[] {
  return rows.map(([name, submitS, gpuCount, runS, tenant = "t"]) => {
    return { name, tenant, submitMs: submitS * 1_000, runMs: runS * 1_000, spec: { name: "job", gpuCount } };
  });
}

describe("the simple schedulers", () => {
  const blocked = jobsOf(["a", 0, 6, 100], ["big", 1, 8, 10], ["short", 2, 2, 50], ["long", 3, 2, 500]);

  test("fifo lets nobody pass", () => {
    expect(starts(simulate(1, blocked, fifo))).toEqual({ a: 0, big: 100_000, short: 110_000, long: 110_000 });
  });

  test("whatever fits lets everybody pass", () => {
    expect(starts(simulate(1, blocked, startWhateverFits))).toEqual({ a: 0, big: 552_000, short: 2_000, long: 52_000 });
  });

  test("EASY lets pass who is done before the reservation", () => {
    expect(starts(simulate(1, blocked, easyAsRequested))).toEqual({ a: 0, big: 100_000, short: 2_000, long: 110_000 });
  });

  test("conservative backfill lets nobody pass who delays anybody", () => {
    const jobs = jobsOf(["a", 0, 6, 100], ["first", 1, 4, 100], ["second", 2, 8, 10], ["long", 3, 2, 500]);
    const policy = conservative((job) => job.requestedMs);
    expect(starts(simulate(1, jobs, policy))).toEqual({ a: 0, first: 100_000, second: 200_000, long: 210_000 });
    expect(starts(simulate(1, jobs, easyAsRequested))).toMatchObject({ first: 100_000, second: 503_000, long: 3_000 });
  });

  test("shortest first starts the shortest of those that wait", () => {
    const waiting = jobsOf(["a", 0, 8, 10], ["long", 1, 8, 30], ["short", 2, 8, 5]);
    expect(starts(simulate(1, waiting, shortestFirst))).toEqual({ a: 0, short: 10_000, long: 15_000 });
  });

  test("shortest remaining first stops who has more left, and lets him go on from there", () => {
    const jobs = jobsOf(["long", 0, 8, 100], ["half", 0, 4, 150], ["short", 10, 8, 5], ["longer", 20, 8, 90]);
    const { jobs: records } = simulate(1, jobs, shortestRemainingFirst);
    const seconds = records.map(({ job, attempts }) => [
      job.name,
      ...attempts.map(({ startMs, endMs = 0 }) => `${startMs / 1_000}-${endMs / 1_000}`),
    ]);
    expect(seconds).toEqual([
      ["long", "0-10", "15-105"],
      ["half", "195-345"],
      ["short", "10-15"],
      ["longer", "105-195"],
    ]);
    expect(metricsOf({ nodes: uniformNodes(1, 8), jobs: records }).all).toMatchObject({
      preemptions: 1,
      lostGpuHours: 0,
    });
  });

  test("shortest remaining first stops who has most left, and nobody without need", () => {
    const jobs = jobsOf(["a", 0, 4, 100], ["b", 0, 2, 300], ["c", 0, 2, 200], ["d", 10, 2, 5]);
    const { jobs: records } = simulate(1, jobs, shortestRemainingFirst);
    expect(records.map(({ attempts }) => attempts.length)).toEqual([1, 2, 1, 1]);
  });

  test("the tenant that holds least goes first", () => {
    const waiting = jobsOf(["a", 0, 4, 100, "x"], ["b", 0, 4, 50, "y"], ["c", 1, 4, 10, "x"], ["d", 2, 4, 10, "y"]);
    expect(starts(simulate(1, waiting, leastUsedTenantFirst))).toEqual({ a: 0, b: 0, d: 50_000, c: 60_000 });
  });
});
