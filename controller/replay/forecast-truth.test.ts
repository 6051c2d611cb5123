/** What the core foretells is what it then does, when every job runs for as long as its limit says. */
import { expect, test } from "vitest";
import { Random } from "../../test/support/random.ts";
import { counterfactuals, variationOf } from "../core/counterfactual.ts";
import { estimateWaitMs } from "../../test/support/foretell.ts";
import { forecastOf } from "../core/forecast.ts";
import { Outlook } from "../core/outlook.ts";
import { atOnce } from "../core/slices.ts";
import { DEFAULT_POLICY, POLICIES, type Policy, policyNamed } from "../core/model/policy.ts";
import { VirtualCluster } from "./virtual-cluster.ts";
import type { ReplayJob, ReplayNode, ReplayTenant } from "./workload.ts";

const MINUTE = 60_000;
/** What a job has that asks for nothing else; it takes all of it to end when it is stopped. */
const GRACE_MS = 30_000;
const SEEDS = 30;
const TENANTS: readonly ReplayTenant[] = [
  { id: "a", tier: "critical" },
  { id: "b", tier: "critical", fairShareWeight: 3 },
  { id: "c", tier: "high", limits: { gpus: 10 } },
  { id: "d", tier: "low", limits: { concurrentJobs: 3 } },
  { id: "e", tier: "high", gpuHoursBudget: 6, budgetWindowDays: 1 },
  { id: "f", tier: "high", limits: { gpuMemoryMb: 130_000 } },
];

/** Whoever is important may have others make room, and most do. */
const PREEMPTING: readonly ReplayTenant[] = TENANTS.map((tenant) => ({
  ...tenant,
  canPreemptOthers: tenant.id === "a" || tenant.id === "c",
  allowPreemption: tenant.id !== "b",
}));

function nodes(random: Random): readonly ReplayNode[] {
  return Array.from({ length: random.between(2, 7) }, (_, index) => ({
    name: `node-${index + 1}`,
    gpus: random.pick([2, 4, 8]) ?? 8,
    gpuModel: random.pick(["A100", "H100"]) ?? "",
    gpuMemoryMb: random.pick([16_000, 80_000, 80_000]) ?? 80_000,
    cpuCores: 64,
    memoryMb: 500_000,
    allowsSharing: random.next() < 0.5,
  }));
}

/** How a job comes by its GPUs. */
function shape(random: Random): Partial<ReplayJob["spec"]> {
  const kind = random.next();
  if (kind < 0.1) return { gpuCount: 1, gpuMilli: 250 };
  if (kind < 0.15) return { gpuCount: 0 };
  if (kind < 0.3) return { gpuCount: random.between(2, 12), gang: true };
  if (kind < 0.4) return { gpuCount: 2 * random.between(1, 4), gang: true, gpusPerNode: 2 };
  return { gpuCount: random.pick([1, 1, 1, 2, 4, 8]) ?? 1, ...(random.next() < 0.2 && { gpuModel: "h100" }) };
}

function jobs(random: Random, count: number): ReplayJob[] {
  let submitMs = 0;
  return Array.from({ length: count }, (_, index): ReplayJob => {
    // Several of one moment, and moments at which others end.
    submitMs += random.pick([0, 0, 1_234, MINUTE, 2 * MINUTE]) ?? 0;
    const minutes = random.pick([1, 2, 5, 10, 30, 120]) ?? 1;
    const before =
      index > 0 && random.next() < 0.15 ? [`job-${random.between(Math.max(0, index - 20), index - 1)}`] : [];
    const wish = random.next() < 0.15 ? { notBeforeMs: submitMs + random.between(1, 200) * 30_000 } : {};
    const priority = random.next() < 0.3 ? { priority: random.pick([50, 100, 700, 5_000]) } : {};
    return {
      name: `job-${index}`,
      tenant: random.pick(TENANTS)?.id ?? "a",
      submitMs,
      runMs: minutes * MINUTE,
      after: before,
      ...wish,
      spec: {
        name: "job",
        gpuCount: 1,
        cpuCores: random.between(0, 8),
        memoryMb: random.between(0, 50_000),
        maxRuntimeMinutes: minutes,
        ...shape(random),
        ...priority,
      },
    };
  });
}

/** Stops at a random moment, looks ahead, goes on, and tells what was wrong. */
function compare(seed: number, policy: Policy, tenants = TENANTS): { waiting: number; wrong: readonly string[] } {
  const random = new Random(seed);
  const cluster = new VirtualCluster({ nodes: nodes(random), tenants, policy, stopTakesMs: GRACE_MS });
  const all = jobs(random, random.between(30, 150));
  const atMs = random.between(0, all.at(-1)?.submitMs ?? 0);
  cluster.run(
    all.filter(({ submitMs }) => submitMs <= atMs),
    atMs,
  );
  const waiting = [...cluster.state.jobs.values()].filter(({ phase }) => phase === "queued" || phase === "held");
  const forecastAt = cluster.at;
  const forecast = forecastOf(cluster.state, forecastAt);
  forecast.run();
  const { jobs: records } = cluster.run([]);
  const byId = new Map(records.map((record) => [cluster.idOf(record.job.name), record]));
  const wrong = waiting.flatMap(({ id }) => {
    // It may have run before, and may be stopped again later.
    const real = byId.get(id)?.attempts.find(({ startMs }) => startMs >= atMs)?.startMs;
    const startsAt = forecast.starts.get(id);
    const foretold = startsAt === undefined ? undefined : startsAt - forecastAt + atMs;
    if (foretold === real) return [];
    return [`seed ${seed}, ${policy.name}: ${id} starts at ${real}, not at ${foretold}`];
  });
  return { waiting: waiting.length, wrong };
}

/** All that have names; limits are what is expected of jobs, because here they are the truth. */
const EXACT = Object.values(POLICIES).map((policy): Policy => ({ ...policy, runtimes: "limit" }));

/** Turns change from minute to minute. */
const HASTY = [DEFAULT_POLICY, policyNamed("conservative"), policyNamed("fifo")].map((policy): Policy => {
  return { ...policy, name: `hasty ${policy.name}`, aging: { stepMs: MINUTE, points: 90, strictAfterMs: 60 * MINUTE } };
});

test.each([...EXACT, ...HASTY])("under the policy $name every waiting job starts when it was foretold", (policy) => {
  const results = Array.from({ length: SEEDS }, (_, index) => compare(index + 1, policy));
  expect(results.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(results.reduce((sum, { waiting }) => sum + waiting, 0)).toBeGreaterThan(400);
});

test.each([...EXACT, ...HASTY])(
  "so it does under the policy $name where jobs have others make room for them",
  (policy) => {
    const results = Array.from({ length: SEEDS }, (_, index) => compare(index + 1, policy, PREEMPTING));
    expect(results.flatMap(({ wrong }) => wrong)).toEqual([]);
    expect(results.reduce((sum, { waiting }) => sum + waiting, 0)).toBeGreaterThan(400);
  },
);

/** Jobs of each run that are asked about, and seeds: each change that is told costs a run of its own. */
const ASKED = 6;
const CHANGED_SEEDS = 25;

/** Asks waiting jobs what would let them start earlier, and does it in a run of its own. */
function tryChanges(seed: number, policy: Policy, tenants: readonly ReplayTenant[]) {
  const random = new Random(seed);
  const options = { nodes: nodes(random), tenants, policy, stopTakesMs: GRACE_MS };
  const all = jobs(random, random.between(30, 150));
  const atMs = random.between(0, all.at(-1)?.submitMs ?? 0);
  const before = all.filter(({ submitMs }) => submitMs <= atMs);
  const cluster = new VirtualCluster(options);
  cluster.run(before, atMs + 1);
  const waiting = before.flatMap((job) => {
    // It may have been refused.
    const id = cluster.idOf(job.name);
    const waits = id && cluster.state.job(id);
    return waits?.phase === "queued" || waits?.phase === "held" ? [{ job, waits }] : [];
  });
  let told = 0;
  const wrong: string[] = [];
  for (let asked = 0; asked < ASKED; asked += 1) {
    const one = random.pick(waiting);
    if (!one) break;
    const waitMs = estimateWaitMs(cluster.state, one.waits.id, cluster.at);
    const startsAt = waitMs === undefined ? undefined : cluster.at + waitMs;
    const outlook = new Outlook(cluster.state, cluster.at);
    const { found } = atOnce(counterfactuals(outlook, variationOf(cluster.state, one.waits, cluster.at), startsAt));
    for (const { change, startsAt: promised } of found) {
      told += 1;
      const spec = { ...one.job.spec, ...change };
      const changed = {
        ...one.job,
        name: "changed",
        submitMs: atMs + 1,
        runMs: (spec.maxRuntimeMinutes ?? 1) * MINUTE,
        spec,
      };
      const rest = before.map((job) => (job === one.job ? { ...job, cancelMs: atMs + 1 } : job));
      const { jobs: records } = new VirtualCluster(options).run([...rest, changed]);
      const real = records.find(({ job }) => job.name === "changed")?.attempts[0]?.startMs;
      if (real !== promised - cluster.at + cluster.now) {
        wrong.push(
          `seed ${seed}, ${policy.name}: ${one.job.name} with ${JSON.stringify(change)} starts at ${real}, not at ${promised - cluster.at + cluster.now}`,
        );
      }
    }
  }
  return { told, wrong };
}

test.each([...EXACT, ...HASTY])(
  "under the policy $name every change that is told to help does, submitted anew",
  (policy) => {
    const results = Array.from({ length: CHANGED_SEEDS }, (_, index) =>
      tryChanges(index + 1, policy, index % 2 === 0 ? TENANTS : PREEMPTING),
    );
    expect(results.flatMap(({ wrong }) => wrong)).toEqual([]);
    expect(results.reduce((sum, { told }) => sum + told, 0)).toBeGreaterThan(15);
  },
);
