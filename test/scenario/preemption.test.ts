import fc from "fast-check";
import { expect, test } from "vitest";
import { asJobId, asTenantId, type JobId } from "../../base/ids.ts";
import { gpusOf, type Job, type JobIn } from "../../controller/core/model/job.ts";
import { type Policy, POLICIES } from "../../controller/core/model/policy.ts";
import { CoreWorld } from "../support/core-world.ts";

const MIN_RUN_MS = 60_000;
const MIN_WAIT_MS = 10_000;
const MAX_GPUS_PER_GPU = 2;
const TENANTS = ["batch", "batch", "team", "stubborn", "service", "service"];

const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("submit" as const),
      tenant: fc.constantFrom(...TENANTS),
      gpus: fc.constantFrom(0, 1, 1, 2, 3, 4),
      gang: fc.boolean(),
      milli: fc.constantFrom(undefined, undefined, 500),
      cores: fc.integer({ min: 1, max: 8 }),
      priority: fc.integer({ min: 0, max: 6_000 }),
      minutes: fc.option(fc.integer({ min: 1, max: 90 }), { nil: undefined }),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: "begin" as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.constantFrom(5_000, 30_000, 90_000) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), job: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("leave" as const), job: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("checkpoint" as const), job: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel" as const), job: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

const anyPolicy = fc.constantFrom(...Object.values(POLICIES));

function cluster(policy: Policy): CoreWorld {
  const preemption = { minRunMs: MIN_RUN_MS, minWaitMs: MIN_WAIT_MS, maxGpusPerGpu: MAX_GPUS_PER_GPU };
  const w = new CoreWorld({ policy: { ...policy, preemption } });
  w.addTenant("batch", { tier: "low" });
  w.addTenant("team", { tier: "medium", canPreemptOthers: true, limits: { gpus: 5 } });
  w.addTenant("stubborn", { tier: "low", allowPreemption: false, canPreemptOthers: true });
  w.addTenant("service", { tier: "critical", canPreemptOthers: true, limits: { gpus: 6, cpuCores: 24 } });
  w.addNode("node-1", { gpus: 4, cpuCores: 16, allowsSharing: true });
  w.addNode("node-2", { gpus: 2, cpuCores: 8 });
  w.addNode("node-3", { gpus: 2, cpuCores: 8, allowsSharing: true });
  return w;
}

function perform(w: CoreWorld, step: Action): void {
  const among = <P extends Job["phase"]>(phase: P, n: number): JobIn<P> | undefined => {
    const jobs = [...w.state.alive()].filter((job): job is JobIn<P> => job.phase === phase);
    return jobs[n % Math.max(1, jobs.length)];
  };
  switch (step.kind) {
    case "submit": {
      const isPart = step.milli !== undefined && step.gpus === 1;
      w.trySubmit({
        tenantId: asTenantId(step.tenant),
        gpuCount: step.gpus,
        gang: step.gang && step.gpus > 0 && !isPart,
        cpuCores: step.cores,
        priority: step.priority,
        ...(isPart ? { gpuMilli: step.milli } : {}),
        maxRuntimeMinutes: step.minutes,
      });
      return;
    }
    case "begin":
      for (const job of [...w.state.alive()]) if (job.phase === "starting") w.beginAll(job.id);
      return;
    case "advance":
      w.advanceHeard(step.ms);
      return;
    case "end": {
      const job = among("running", step.job);
      for (const { rank, state } of job?.allocations ?? []) if (job && state.phase !== "ended") w.end(job.id, 0, rank);
      return;
    }
    case "leave": {
      const job = among("stopping", step.job);
      if (job) w.stopped(job.id);
      return;
    }
    case "checkpoint": {
      const job = among("running", step.job);
      if (job) w.checkpoint(job.id);
      return;
    }
    case "cancel": {
      const job = among("queued", step.job);
      if (job) w.cancel(job.id);
      return;
    }
    case "restart":
      w.restart();
      for (const { name } of w.nodes.values()) w.hello(name);
  }
}

/** One plan that was carried out, as the histories tell it. */
interface Carried {
  readonly by: JobId;
  readonly at: number;
  readonly victims: readonly JobIn<"stopping">[];
}

/** The plans by which those that are being stopped now were told to make room. */
function carriedOut(w: CoreWorld): readonly Carried[] {
  const victims = [...w.state.alive()].flatMap((job) => {
    if (job.phase !== "stopping") return [];
    const by = /^makes room for (job-\d+) /.exec(job.verdict.message)?.[1];
    const at = job.history.findLast(({ kind }) => kind === "stopping")?.at ?? 0;
    return by === undefined ? [] : [{ job, by: asJobId(by), at }];
  });
  const plans = Map.groupBy(victims, ({ by, at }) => `${by} ${at}`);
  return [...plans.values()].flatMap((group) => {
    const [first] = group;
    return first ? [{ by: first.by, at: first.at, victims: group.map(({ job }) => job) }] : [];
  });
}

function check(w: CoreWorld, { by, at, victims }: Carried): void {
  const preemptor = w.job(by);
  expect(w.state.tenant(preemptor.tenantId).canPreemptOthers).toBe(true);
  expect(at - preemptor.submittedAt).toBeGreaterThanOrEqual(MIN_WAIT_MS);
  const receipts = preemptor.history.filter((event) => event.kind === "preempting" && event.at === at);
  const receipt = receipts.map(({ message }) => message).join();
  let gpus = 0;
  for (const victim of victims) {
    expect(w.state.tenant(victim.tenantId).allowPreemption).toBe(true);
    expect(victim.effectivePriority).toBeLessThan(preemptor.effectivePriority);
    expect(at - (victim.startedAt ?? at)).toBeGreaterThanOrEqual(MIN_RUN_MS);
    expect(receipt).toContain(`${victim.id} of ${victim.tenantId} with priority ${victim.effectivePriority}`);
    gpus += gpusOf(w.state.spec(victim.id));
  }
  expect(gpus).toBeLessThanOrEqual(MAX_GPUS_PER_GPU * gpusOf(w.state.spec(by)));
}

/** Who had to make room for whom in one world, directly. */
type Preempted = Map<JobId, Set<JobId>>;

/** Whether one had to make room for the other, directly or for one that had to make room for it, and so on. */
function madeRoomFor(preempted: Preempted, victim: JobId, by: JobId): boolean {
  const seen = new Set([by]);
  for (const one of seen) {
    for (const other of preempted.get(one) ?? []) {
      if (other === victim) return true;
      seen.add(other);
    }
  }
  return false;
}

test("whoever is preempted has had its time, is less important and allows it, and never comes to preempt in turn who preempted it; both sides have a receipt; nobody takes what is kept", () => {
  const plans = new Set<string>();
  let [world, again] = [0, 0];
  fc.assert(
    fc.property(anyPolicy, fc.array(action, { maxLength: 80, size: "max" }), (policy, actions) => {
      const w = cluster(policy);
      world += 1;
      const preempted: Preempted = new Map();
      for (const step of actions) {
        perform(w, step);
        for (const carried of carriedOut(w)) {
          check(w, carried);
          plans.add(`${world} ${carried.by} ${carried.at}`);
          for (const { id } of carried.victims) {
            preempted.set(carried.by, (preempted.get(carried.by) ?? new Set()).add(id));
            expect(madeRoomFor(preempted, carried.by, id)).toBe(false);
          }
        }
      }
      again += [...preempted.keys()].filter((by) => [...preempted.values()].some((victims) => victims.has(by))).length;
    }),
    // Enough for the count below to be beyond chance: about one plan in two runs.
    { numRuns: 250 },
  );
  expect(plans.size).toBeGreaterThan(50);
  expect(again).toBeGreaterThan(0);
});

test("nobody preempts anybody in turns: with nothing new to do the cluster comes to rest", () => {
  fc.assert(
    fc.property(anyPolicy, fc.array(action, { maxLength: 60, size: "max" }), (policy, actions) => {
      const w = cluster(policy);
      for (const step of actions) perform(w, step);
      let quiet = 0;
      for (let round = 0; round < 100 && quiet < 4; round += 1) {
        const before = attempts(w);
        for (const job of [...w.state.alive()]) {
          if (job.phase === "stopping") w.stopped(job.id);
          else if (job.phase === "starting") w.beginAll(job.id);
          else if (job.phase === "running") endIfLimited(w, job);
        }
        w.advanceHeard(MIN_RUN_MS);
        quiet = attempts(w) === before ? quiet + 1 : 0;
      }
      const moving = [...w.state.alive()].filter(({ phase }) => phase === "starting" || phase === "stopping");
      expect(moving).toEqual([]);
    }),
    { numRuns: 20 },
  );
});

/** Those with a limit would end by themselves: what is looked for is jobs that go on and on taking turns. */
function endIfLimited(w: CoreWorld, job: JobIn<"running">): void {
  if (w.state.spec(job.id).maxRuntimeMinutes === undefined) return;
  for (const { rank, state } of job.allocations) if (state.phase !== "ended") w.end(job.id, 0, rank);
}

function attempts(w: CoreWorld): string {
  return JSON.stringify([...w.state.jobs.values()].map(({ attempt, phase }) => [attempt, phase]));
}
