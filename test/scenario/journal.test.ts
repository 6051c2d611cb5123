/** What a loop has decided can be decided again from its journal, whatever happened. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AllocationReport } from "../../controller/core/input.ts";
import { readJournal } from "../../controller/journal/read-journal.ts";
import { workloadOf } from "../../controller/journal/journal-workload.ts";
import { policyDiff } from "../../controller/journal/policy-diff.ts";
import { DEFAULT_POLICY, policyNamed } from "../../controller/core/model/policy.ts";
import { describeReplay } from "../../controller/journal/describe-replay.ts";
import { replayJournal } from "../../controller/journal/replay-journal.ts";
import { LoopWorld } from "../support/loop-world.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gpusched-journal-"));
});
afterEach(() => rm(directory, { recursive: true }));

/** One thing that happens; numbers choose among what is there. */
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("submit" as const),
      gpus: fc.integer({ min: 0, max: 6 }),
      gang: fc.boolean(),
      tenant: fc.integer({ min: 1, max: 3 }),
      retries: fc.integer({ min: 0, max: 2 }),
      priority: fc.integer({ min: 0, max: 10_000 }),
      minutes: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      text: fc.string({ unit: "binary" }),
      count: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 4 }),
      after: fc.option(fc.nat(), { nil: undefined, freq: 4 }),
      inMs: fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined, freq: 4 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("begin" as const), what: fc.nat() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      what: fc.nat(),
      end: fc.constantFrom("good", "bad", "node" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel" as const), what: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("checkpoint" as const), what: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("foretell" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("advance" as const),
      ms: fc.constantFrom(1, 1_000, 10_000, 60_000, 400_000),
      heard: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("disconnect" as const), what: fc.nat() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("hello" as const), what: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("settle" as const) }) },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

test("every term of a random workload is replayed to the same hash", async () => {
  let run = 0;
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 20, maxLength: 150, size: "max" }), async (actions) => {
      run += 1;
      const folder = join(directory, String(run));
      const terms = 1 + actions.filter(({ kind }) => kind === "restart").length;
      await journalOf(folder, actions);
      const files = (await readdir(folder)).toSorted();
      expect(files).toHaveLength(terms);
      for (const file of files) {
        const report = await replayJournal(join(folder, file));
        expect(describeReplay(report, "")).toEqual([expect.stringMatching(/^identical: /)]);
        expect(report).toMatchObject(await totalsOf(join(folder, file), seen));
        await expectComparable(join(folder, file));
      }
    }),
    { numRuns: 40 },
  );
  // Otherwise the same hash says little.
  const all = ["placed", "job", "stopped", "held", "queued", "finished", "refused", "told"];
  expect([...seen.keys()]).toEqual(expect.arrayContaining(all));
});

/** Other policies make something of the same work, and lose no job of it. */
async function expectComparable(path: string): Promise<void> {
  const { columns } = policyDiff(await workloadOf(path), [DEFAULT_POLICY, policyNamed("greedy")]);
  const [{ total }] = columns;
  for (const column of columns) expect(column.total.submitted).toBe(total.submitted);
}

/** What the file says of itself: how much there is in it, and its last hash. Counts the first words of decisions in `seen`. */
async function totalsOf(path: string, seen: Map<string, number>) {
  const totals: { batches: number; inputs: number; hash?: string } = { batches: 0, inputs: 0 };
  for await (const entry of readJournal(path)) {
    if (entry.kind !== "batch") continue;
    for (const decision of entry.batch.decisions) {
      const what = decision.split(" ", 1)[0] ?? "";
      seen.set(what, (seen.get(what) ?? 0) + 1);
    }
    totals.batches += 1;
    totals.inputs += entry.batch.inputs.length;
    totals.hash = entry.batch.hash;
  }
  return totals;
}

async function journalOf(folder: string, actions: readonly Action[]): Promise<void> {
  const world = new LoopWorld(folder);
  await world.start();
  world.addTenant("tenant-1", { gpus: 6 }, { canPreemptOthers: true });
  world.addTenant("tenant-2", { concurrentJobs: 2 });
  for (const [name, gpus] of [["node-1", 4] as const, ["node-2", 4] as const, ["node-3", 2] as const]) {
    world.addNode(name, gpus);
  }
  for (const step of actions) await perform(world, step);
  await world.settle();
  await world.close();
}

function pick<T>(items: readonly T[], n: number): T | undefined {
  return items[n % Math.max(1, items.length)];
}

async function perform(world: LoopWorld, step: Action): Promise<void> {
  switch (step.kind) {
    case "submit": {
      const after = step.after === undefined ? undefined : pick(world.jobs, step.after);
      const spec = {
        tenantId: `tenant-${step.tenant}` as never,
        gpuCount: step.gpus,
        gang: step.gang && step.gpus > 0,
        maxRetries: step.retries,
        priority: step.priority,
        maxRuntimeMinutes: step.minutes,
        environment: { B: step.text, A: "1", 7: "" },
        ...(after === undefined ? {} : { dependsOn: [after] }),
        ...(step.inMs === undefined ? {} : { notBefore: world.now + step.inMs }),
      };
      world.submit(spec, step.count);
      return;
    }
    case "begin":
    case "end": {
      const chosen = pick(world.running(), step.what);
      if (chosen) world.report(chosen.node, chosen.name, stateAfter(world.now, step));
      return;
    }
    case "cancel":
    case "checkpoint": {
      const id = pick(world.jobs, step.what);
      if (id) world[step.kind](id);
      return;
    }
    case "foretell":
      return world.foretell();
    case "advance":
      world.advance(step.ms, step.heard);
      return;
    case "disconnect":
    case "hello": {
      const node = pick([...world.nodes.keys()], step.what);
      if (node) world[step.kind](node);
      return;
    }
    case "restart":
      await world.restart();
      return;
    case "settle":
      await world.settle();
  }
}

function stateAfter(now: number, step: Action & { kind: "begin" | "end" }): AllocationReport["state"] {
  if (step.kind === "begin") return { phase: "running", startedAt: now };
  if (step.end === "node") return { phase: "ended", end: { kind: "node", message: "no" } };
  const exitCode = step.end === "good" ? 0 : 1;
  return {
    phase: "ended",
    startedAt: now,
    endedAt: now,
    end: { kind: "exited", exitCode, outOfMemory: false, message: "" },
  };
}

test("a core that would decide otherwise is shown beside what was decided", async () => {
  const world = new LoopWorld(directory);
  await world.start();
  world.addTenant("tenant-1");
  world.addNode("node-1", 4);
  world.addNode("node-2", 4);
  world.submit({ gpuCount: 4, onNodeLost: "requeue" });
  await world.settle();
  world.report("node-1", world.running()[0]?.name ?? "", { phase: "running", startedAt: world.now });
  await world.settle();
  world.disconnect("node-1");
  world.advance(60_000, true);
  await world.settle();
  await world.close();

  const path = join(directory, "journal.000001");
  const settings = { nodeLostAfterMs: 30_000 };
  const report = await replayJournal(path, { settings });
  const [head, inputs, titles, ...table] = describeReplay(report, report.version ?? "");
  expect(head).toMatch(/^different: batch 3, on line 5, at 2023-11-14T22:14:20Z$/);
  expect(inputs).toBe("its inputs: node-disconnected, node-heartbeat, tick");
  expect(titles).toMatch(/^ {2}recorded +recomputed$/);
  const job = world.jobs[0];
  expect(table.map((line) => line.replace(/ +/g, " "))).toEqual([
    ` job ${job} attempt 1 runs on node-1 ≠`,
    ` ≠ placed job ${job} attempt 2 on node-2 (GPUs node-2-gpu-0, node-2-gpu-1, node-2-gpu-2, node-2-gpu-3; 1 cores, 1024 MB)`,
    ` ≠ told node-2 to launch ${job}-2-0`,
    expect.stringMatching(/^identical before that: 2 batches, \d+ inputs, hash [0-9a-f]{64}$/),
  ]);
  expect(describeReplay(await replayJournal(path), "")).toEqual([expect.stringMatching(/^identical: 3 batches/)]);
});

test("a term with gangs, arrays, a preemption, cancellations and a lost node is replayed to the same hash", async () => {
  const world = new LoopWorld(directory);
  await world.start();
  world.addTenant("tenant-1");
  world.addTenant("tenant-2", {}, { canPreemptOthers: true });
  for (const node of ["node-1", "node-2", "node-3"]) world.addNode(node, 4);
  const beginAll = async () => {
    await world.settle();
    for (const { node, name } of world.running()) world.report(node, name, { phase: "running", startedAt: world.now });
    await world.settle();
  };
  world.submit({ name: "gang", gpuCount: 8, gang: true, gpusPerNode: 4, onNodeLost: "requeue" });
  world.submit({ name: "sweep", gpuCount: 1, priority: 10 }, 6);
  await beginAll();
  const [gang = "", , second = ""] = world.jobs;
  world.checkpoint(second as never);
  world.submit({ name: "after", gpuCount: 1, dependsOn: [gang as never] });
  await world.foretell();
  world.advance(600_000, true);
  await beginAll();

  // Two of the array make room; then one that waits is taken back.
  world.submit({ name: "urgent", tenantId: "tenant-2" as never, gpuCount: 2, priority: 1_000 });
  await world.settle();
  world.advance(60_000, true);
  await world.settle();
  await endAll(world, ({ name }) => !name.startsWith(gang));
  world.cancel(world.jobs.at(-3) as never);
  await beginAll();

  // A node is silent until it is lost, and the gang goes on elsewhere once there is room.
  world.disconnect("node-1");
  for (let minute = 0; minute < 6; minute += 1) {
    world.advance(60_000, true);
    await beginAll();
  }
  await endAll(world, () => true);
  await beginAll();
  await endAll(world, () => true);
  await world.close();

  const path = join(directory, "journal.000001");
  const decisions: string[] = [];
  for await (const entry of readJournal(path)) if (entry.kind === "batch") decisions.push(...entry.batch.decisions);
  for (const expected of [
    /^placed job .* on node-. \(.*\) \+ node-. \(/,
    /^held job .*: for job-/,
    /^stopped job .*, preempt/,
    /^finished job .*, cancelled: /,
    /^placed job .* attempt 2 on node-[23] \(.*\) \+ node-[23] \(/,
  ]) {
    expect(decisions).toContainEqual(expect.stringMatching(expected));
  }
  expect(describeReplay(await replayJournal(path), "")).toEqual([expect.stringMatching(/^identical: /)]);
});

/** Those of the allocations that run end well. */
async function endAll(world: LoopWorld, isMeant: (allocation: { readonly name: string }) => boolean): Promise<void> {
  const end = { kind: "exited", exitCode: 0, outOfMemory: false, message: "" } as const;
  for (const allocation of world.running().filter(isMeant)) {
    world.report(allocation.node, allocation.name, { phase: "ended", startedAt: world.now, endedAt: world.now, end });
  }
  await world.settle();
}
