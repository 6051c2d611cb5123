import fc from "fast-check";
import { expect, test } from "vitest";
import { asTenantId, type JobId } from "../../../../base/ids.ts";
import { CoreWorld } from "../../../../test/support/core-world.ts";
import { type Job, type JobIn, type JobSpec, WHOLE_DEVICE } from "../../model/job.ts";
import { DEFAULT_POLICY } from "../../model/policy.ts";
import type { State } from "../../model/state.ts";
import { Output } from "../../output.ts";
import { findPlaces } from "../place.ts";
import { planPreemption, type PreemptionPlan } from "./plan.ts";

const MINUTE = 60_000;
/** How long the wish would run. */
const RUN_MS = 60 * MINUTE;
/** What every victim takes to leave, at most: the default grace, and the margin after it. */
const LEAVING_MS = MINUTE;
const LABELS: Record<string, string>[] = [{}, { zone: "a" }, { zone: "a", rack: "r1" }, { rack: "r2" }];

const nodeArbitrary = fc.record({
  gpus: fc.constantFrom(0, 1, 2, 3, 4, 4),
  gpuMemoryMb: fc.constantFrom(16_000, 80_000),
  model: fc.constantFrom("A100", "H100"),
  cpuCores: fc.integer({ min: 2, max: 12 }),
  memoryMb: fc.integer({ min: 2, max: 8 }).map((n) => n * 1_000),
  allowsSharing: fc.constantFrom(true, true, false),
  labels: fc.constantFrom(...LABELS),
});

const specArbitrary = fc
  .record({
    gpuCount: fc.constantFrom(0, 1, 1, 2, 2, 3, 4, 6),
    shape: fc.constantFrom("one", "one", "packed", "spread", "part"),
    gpuMilli: fc.constantFrom(250, 500, 700),
    gpuMemoryMb: fc.constantFrom(undefined, undefined, undefined, 80_000),
    gpuModel: fc.constantFrom(undefined, undefined, undefined, undefined, "a100", "h100"),
    cpuCores: fc.integer({ min: 1, max: 4 }),
    memoryMb: fc.integer({ min: 1, max: 4_000 }),
    zone: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, "a"),
  })
  .map(({ shape, gpuCount, gpuMilli, gpuMemoryMb, gpuModel, zone, ...rest }): Partial<JobSpec> => {
    const spec = {
      ...rest,
      ...(gpuMemoryMb === undefined ? {} : { gpuMemoryMb }),
      ...(gpuModel === undefined ? {} : { gpuModel }),
      ...(zone === undefined ? {} : { nodeSelector: { zone } }),
    };
    if (shape === "part") return { ...spec, gpuCount: 1, gpuMilli };
    if (shape === "packed" && gpuCount > 0) return { ...spec, gpuCount, gang: true };
    if (shape === "spread" && gpuCount > 0)
      return { ...spec, gpuCount: gpuCount * 2, gang: true, gpusPerNode: gpuCount };
    return { ...spec, gpuCount };
  });

const runningArbitrary = fc.record({
  spec: specArbitrary,
  tenant: fc.constantFrom("low", "low", "low", "low", "middle", "middle", "middle", "stubborn", "high"),
  /** Minutes until the next one comes. */
  minutes: fc.integer({ min: 0, max: 4 }),
  checkpoint: fc.boolean(),
  begins: fc.constantFrom(...Array.from({ length: 11 }, () => true), false),
});

const caseArbitrary = fc.record({
  nodes: fc.array(nodeArbitrary, { minLength: 1, maxLength: 6 }),
  running: fc.array(runningArbitrary, { minLength: 2, maxLength: 12, size: "max" }),
  wish: specArbitrary,
  maxGpusPerGpu: fc.constantFrom(1, 2, 2, 4, 100),
  minRunMs: fc.constantFrom(0, 0, 5 * MINUTE),
  blockedFirst: fc.option(specArbitrary, { nil: undefined }),
});
type Case = typeof caseArbitrary extends fc.Arbitrary<infer C> ? C : never;

/** What the planner and brute force are asked about. Nobody preempts by itself: all wait for too short a time. */
function build({ nodes, running, wish, maxGpusPerGpu, minRunMs, blockedFirst }: Case) {
  const preemption = { minRunMs, minWaitMs: Number.MAX_SAFE_INTEGER, maxGpusPerGpu };
  const w = new CoreWorld({ policy: { ...DEFAULT_POLICY, preemption } });
  w.addTenant("low", { tier: "low" });
  w.addTenant("middle", { tier: "medium" });
  w.addTenant("stubborn", { tier: "low", allowPreemption: false });
  w.addTenant("high", { tier: "high", canPreemptOthers: true });
  w.addTenant("first", { tier: "critical" });
  nodes.forEach((options, index) => w.addNode(`n${index}`, options));
  for (const { spec, tenant, minutes, checkpoint, begins } of running) {
    const id = w.submit({ ...spec, tenantId: asTenantId(tenant) });
    if (w.job(id).phase === "starting" && begins) w.beginAll(id);
    if (w.job(id).phase === "queued") w.cancel(id);
    w.now += minutes * MINUTE;
    if (checkpoint && w.job(id).phase === "running") w.checkpoint(id);
    w.now += 1_000 * running.length;
  }
  if (blockedFirst) w.submit({ ...blockedFirst, tenantId: asTenantId("first"), maxRuntimeMinutes: 30 });
  const id = w.submit({ ...wish, tenantId: asTenantId("high"), maxRuntimeMinutes: 60 });
  // Reservations of those who were cancelled are forgotten, and those of others made in the order of their turns.
  for (const { name } of w.nodes.values()) w.heartbeat(name);
  w.state.grow();
  w.apply({ kind: "tick" });
  return { w, id };
}

interface Cost {
  readonly victims: number;
  readonly lost: number;
}

test("a plan has as few victims as brute force finds, of as few those that lose least, and the job then fits", () => {
  const plans = { all: 0, gangs: 0, parts: 0, several: 0, kept: 0 };
  fc.assert(
    fc.property(caseArbitrary, (given) => {
      const { w, id } = build(given);
      const job = w.job(id);
      if (job.phase !== "queued") return;
      const { kind } = w.state.groupOf(job).facts;
      const planned = planPreemption(w.state, { job, kind, until: w.now + RUN_MS }, w.now);
      expect(planned.kind).not.toBe("wait");
      const best = bruteForce(w.state, job, given, w.now);
      if (planned.kind !== "plan") {
        expect(best).toBeUndefined();
        return;
      }
      const { victims, places } = planned.plan;
      plans.all += 1;
      plans.gangs += Number(places.length > 1);
      plans.parts += Number(kind.demand.milli < WHOLE_DEVICE);
      plans.several += Number(victims.length > 1);
      const others = w.state.scheduling.reservations.filter(({ jobId }) => jobId !== id);
      plans.kept += Number(others.length > 0);
      expect({
        victims: victims.length,
        lost: lostBy(
          victims.map((victim) => victim.job),
          w.now,
        ),
      }).toEqual(best);
      checkPlan(w.state, job, planned.plan, given, w.now);
    }),
    { numRuns: 1_500 },
  );
  // It must have been asked enough.
  for (const count of Object.values(plans)) expect(count).toBeGreaterThan(0);
  expect(plans.all).toBeGreaterThan(100);
});

/** The fewest victims and their least loss, by trying every set with the scheduler's own placement. */
function bruteForce(state: State, job: JobIn<"queued">, given: Case, at: number): Cost | undefined {
  const candidates = [...state.alive()].filter((other) => isCandidate(state, other, job, given, at));
  let best: Cost | undefined;
  for (let set = 1; set < 1 << candidates.length; set += 1) {
    const chosen = candidates.filter((_, index) => set & (1 << index));
    if (!isWithinRatio(state, job, chosen, given)) continue;
    const cost = { victims: chosen.length, lost: lostBy(chosen, at) };
    const isWorse = best && (cost.victims > best.victims || (cost.victims === best.victims && cost.lost >= best.lost));
    if (!isWorse && fitsWithout(state, job, chosen, at)) best = cost;
  }
  return best;
}

function isCandidate(state: State, other: Job, job: Job, { minRunMs }: Case, at: number): boolean {
  if (other.phase !== "running" || other.startedAt === undefined) return false;
  const { allowPreemption } = state.tenant(other.tenantId);
  return allowPreemption && other.effectivePriority < job.effectivePriority && at - other.startedAt >= minRunMs;
}

function milliOf(state: State, job: Job): number {
  const { gpuCount, gpuMilli = WHOLE_DEVICE } = state.spec(job.id);
  return gpuCount * gpuMilli;
}

function isWithinRatio(state: State, job: Job, victims: readonly Job[], { maxGpusPerGpu }: Case): boolean {
  const taken = victims.reduce((sum, victim) => sum + milliOf(state, victim), 0);
  if (job.gpuCount > 0) return taken <= maxGpusPerGpu * milliOf(state, job);
  const cores = victims.flatMap(({ allocations }) => allocations).reduce((sum, { cpuCores }) => sum + cpuCores, 0);
  return taken === 0 && cores <= maxGpusPerGpu * (state.spec(job.id).cpuCores ?? 1);
}

function lostBy(victims: readonly Job[], at: number): number {
  let lost = 0;
  for (const { checkpointAt, startedAt = at, allocations } of victims) {
    for (const { devices, milli = WHOLE_DEVICE } of allocations) {
      lost += devices.length * milli * (at - (checkpointAt ?? startedAt));
    }
  }
  return lost;
}

/** Whether the job would be placed if these jobs were not there. The state is as before afterwards. */
function fitsWithout(state: State, job: JobIn<"queued">, victims: readonly Job[], at: number): boolean {
  for (const victim of victims) {
    state.putJob({ ...victim, phase: "queued", allocations: [] });
  }
  const { kind } = state.groupOf(job).facts;
  const places = findPlaces(state, { kind, at, until: at + LEAVING_MS + RUN_MS, jobId: job.id, wasKept: false });
  for (const victim of victims) state.putJob(victim);
  return places !== undefined;
}

function checkPlan(state: State, job: JobIn<"queued">, plan: PreemptionPlan, given: Case, at: number): void {
  const { victims, places } = plan;
  for (const { job: victim } of victims) expect(isCandidate(state, victim, job, given, at)).toBe(true);
  expect(
    isWithinRatio(
      state,
      job,
      victims.map((victim) => victim.job),
      given,
    ),
  ).toBe(true);
  expect(places.reduce((sum, { devices }) => sum + devices.length, 0)).toBe(job.gpuCount);
  // Where the plan says that it will run it does run: with the victims gone, nothing of what it takes is anybody else's.
  const gone = new Set<JobId>(victims.map((victim) => victim.job.id));
  const { milli } = state.groupOf(job).facts.kind.demand;
  for (const { node, devices, share } of places) {
    const { inventory } = node.record;
    let [cpuCores, memoryMb] = [inventory.cpuCores - share.cpuCores, inventory.memoryMb - share.memoryMb];
    for (const [id, allocation] of node.jobs) {
      if (gone.has(id)) continue;
      cpuCores -= allocation.cpuCores;
      memoryMb -= allocation.memoryMb;
    }
    expect(cpuCores >= 0 && memoryMb >= 0).toBe(true);
    for (const device of devices) {
      const staying = (node.held.get(device.id) ?? []).filter((holder) => !gone.has(holder.jobId));
      expect(staying.reduce((sum, holder) => sum + holder.milli, milli)).toBeLessThanOrEqual(WHOLE_DEVICE);
    }
  }
}

test("the same state gives the same plan", () => {
  fc.assert(
    fc.property(caseArbitrary, (given) => {
      const [a, b] = [build(given), build(given)].map(({ w, id }) => {
        const job = w.job(id);
        if (job.phase !== "queued") return undefined;
        const { kind } = w.state.groupOf(job).facts;
        return JSON.stringify(planPreemption(w.state, { job, kind, until: w.now + RUN_MS }, w.now), (key, value) =>
          key === "node" && typeof value === "object" ? value.record.name : value,
        );
      });
      expect(a).toBe(b);
    }),
    { numRuns: 50 },
  );
});

test("planning changes nothing", () => {
  fc.assert(
    fc.property(caseArbitrary, (given) => {
      const { w, id } = build(given);
      const job = w.job(id);
      if (job.phase !== "queued") return;
      const before = JSON.stringify([...w.state.jobs]);
      const { kind } = w.state.groupOf(job).facts;
      planPreemption(w.state, { job, kind, until: w.now + RUN_MS }, w.now);
      expect(JSON.stringify([...w.state.jobs])).toBe(before);
      expect(new Output().writes).toEqual([]);
    }),
    { numRuns: 50 },
  );
});
