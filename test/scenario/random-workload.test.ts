import fc from "fast-check";
import { expect, test } from "vitest";
import type { JobId } from "../../base/ids.ts";
import { DEFAULT_POLICY } from "../../controller/core/model/policy.ts";
import { CoreWorld } from "../support/core-world.ts";

/** One thing that happens in a random cluster; numbers choose among what is there. */
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("submit" as const),
      gpus: fc.integer({ min: 0, max: 10 }),
      gang: fc.boolean(),
      cores: fc.integer({ min: 1, max: 16 }),
      retries: fc.integer({ min: 0, max: 2 }),
      tenant: fc.integer({ min: 1, max: 4 }),
      priority: fc.integer({ min: 0, max: 10_000 }),
      minutes: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      moves: fc.boolean(),
      part: fc.option(fc.constantFrom(250, 500), { nil: undefined }),
      cancelsWhenPreempted: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("begin" as const), job: fc.nat(), rank: fc.nat({ max: 3 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      job: fc.nat(),
      rank: fc.nat({ max: 3 }),
      code: fc.constantFrom(0, 0, 0, 1, 137),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("start-failure" as const), job: fc.nat(), rank: fc.nat({ max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel" as const), job: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("checkpoint" as const), job: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("advance" as const),
      ms: fc.constantFrom(1_000, 10_000, 60_000, 400_000),
      heard: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("disconnect" as const), node: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("hello" as const), node: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reboot" as const), node: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

test("whatever happens: no device is held twice, no quota broken, gangs are all or nothing, and all work ends once faults end", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const w = smallCluster();
      const ids: JobId[] = [];
      for (const step of actions) perform(w, ids, step);
      heal(w);
      for (const id of ids) {
        const job = w.job(id);
        if (job.phase === "queued") expect(couldEverRun(job.gpuCount, w.state.spec(id).gang ?? false)).toBe(false);
        else expect(job.phase).toBe("finished");
      }
      for (const node of w.nodes.values()) expect([...node.running.values()]).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test("the same inputs give the same decisions", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const [a, b] = [smallCluster(), smallCluster()];
      const [idsA, idsB]: [JobId[], JobId[]] = [[], []];
      for (const step of actions) {
        perform(a, idsA, step);
        perform(b, idsB, step);
      }
      expect(JSON.stringify(a.effects)).toBe(JSON.stringify(b.effects));
    }),
    { numRuns: 100 },
  );
});

function smallCluster(): CoreWorld {
  const preemption = { minRunMs: 30_000, minWaitMs: 5_000, maxGpusPerGpu: 2 };
  const w = new CoreWorld({ policy: { ...DEFAULT_POLICY, preemption } });
  w.addTenant("tenant-1", { limits: { gpus: 6 }, tier: "medium", canPreemptOthers: true });
  w.addTenant("tenant-2", { limits: { concurrentJobs: 2, cpuCores: 20 }, tier: "low" });
  w.addTenant("tenant-3", { tier: "high", allowPreemption: false });
  w.addTenant("tenant-4", { limits: { gpus: 8 }, canPreemptOthers: true });
  w.addNode("node-1", { gpus: 4, cpuCores: 16, allowsSharing: true });
  w.addNode("node-2", { gpus: 4, cpuCores: 16 });
  w.addNode("node-3", { gpus: 2, cpuCores: 8 });
  return w;
}

function pick<T>(items: readonly T[], n: number): T | undefined {
  return items[n % Math.max(1, items.length)];
}

function perform(w: CoreWorld, ids: JobId[], step: Action): void {
  const node = "node" in step ? pick([...w.nodes.values()], step.node) : undefined;
  const id = "job" in step ? pick(ids, step.job) : undefined;
  switch (step.kind) {
    case "submit": {
      const answer = w.trySubmit({
        tenantId: `tenant-${step.tenant}` as never,
        gpuCount: step.part === undefined ? step.gpus : 1,
        ...(step.part === undefined ? {} : { gpuMilli: step.part }),
        gang: step.part === undefined && step.gang && step.gpus > 0,
        onPreempt: step.cancelsWhenPreempted ? "cancel" : "requeue",
        cpuCores: step.cores,
        maxRetries: step.retries,
        priority: step.priority,
        maxRuntimeMinutes: step.minutes,
        onNodeLost: step.moves ? "requeue" : "wait",
      });
      if (answer && "jobId" in answer) ids.push(answer.jobId);
      return;
    }
    case "begin":
    case "end":
    case "start-failure":
      if (id) report(w, id, step);
      return;
    case "cancel":
      if (id) w.cancel(id);
      return;
    case "checkpoint":
      if (id) w.checkpoint(id);
      return;
    case "advance":
      if (step.heard) w.advanceHeard(Math.min(step.ms, 60_000));
      else w.advance(step.ms);
      return;
    case "disconnect":
      if (node) w.disconnect(node.name);
      return;
    case "hello":
      if (node) w.hello(node.name);
      return;
    case "reboot":
      if (!node) return;
      w.disconnect(node.name);
      node.bootId += "'";
      node.running.clear();
      w.hello(node.name);
      return;
    case "restart":
      w.restart();
  }
}

function report(w: CoreWorld, id: JobId, step: Action & { kind: "begin" | "end" | "start-failure" }): void {
  const job = w.job(id);
  const rank = step.rank % Math.max(1, job.allocations.length);
  const allocation = job.allocations[rank];
  const known = allocation && w.node(allocation.node).running.get(`${id}-${job.attempt}-${rank}`);
  if (!known || known.state.phase === "ended") return;
  if (step.kind === "end") w.end(id, step.code, rank);
  else if (known.state.phase === "running") return;
  else if (step.kind === "begin") w.begin(id, rank);
  else w.endAs(id, { kind: "node", message: "no" }, rank);
}

/** Every node returns, obeys what it was told, and runs what it is given to a good end, until nothing moves any more. */
function heal(w: CoreWorld): void {
  for (const node of w.nodes.values()) w.hello(node.name);
  for (let round = 0; round < 200; round++) {
    let moved = false;
    for (const node of w.nodes.values()) {
      for (const known of [...node.running.values()]) {
        if (known.state.phase === "ended") continue;
        w.reportFor(known.key, node.name, {
          phase: "ended",
          startedAt: w.now,
          endedAt: w.now,
          end: { kind: "exited", exitCode: 0, outOfMemory: false, message: "" },
        });
        moved = true;
      }
    }
    const held = [...w.state.jobs.values()].some((job) => job.phase === "held");
    if (!moved && !held) return;
    w.advanceHeard(30_000);
  }
  throw new Error("the cluster does not come to rest");
}

/** In the empty small cluster; quotas were checked at submission. */
function couldEverRun(gpus: number, gang: boolean): boolean {
  return gang ? gpus <= 10 : gpus <= 4;
}
