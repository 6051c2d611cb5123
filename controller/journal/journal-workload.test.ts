import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AllocationEnd } from "../core/model/allocation.ts";
import { LoopWorld } from "../../test/support/loop-world.ts";
import { trueRunTime, workloadOf } from "./journal-workload.ts";
import type { Submission, Workload } from "./workload.ts";

let directory: string;
let world: LoopWorld;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gpusched-journal-"));
  world = new LoopWorld(directory);
  await world.start();
  world.addTenant("tenant-1");
  world.addNode("node-1", 4);
  await world.settle();
});
afterEach(async () => {
  await world.close();
  await rm(directory, { recursive: true });
});

const exited = (exitCode: number): AllocationEnd => ({ kind: "exited", exitCode, outOfMemory: false, message: "" });

/** Reports on everything that runs, or on the rank. */
async function begin(rank?: number): Promise<void> {
  for (const { node, name } of world.running()) {
    if (rank === undefined || name.endsWith(`-${rank}`)) {
      world.report(node, name, { phase: "running", startedAt: world.now });
    }
  }
  await world.settle();
}

async function end(ended: AllocationEnd, rank?: number): Promise<void> {
  for (const { node, name } of world.running()) {
    if (rank !== undefined && !name.endsWith(`-${rank}`)) continue;
    world.report(node, name, { phase: "ended", endedAt: world.now, end: ended });
  }
  await world.settle();
}

async function submit(spec: Parameters<LoopWorld["submit"]>[0] = {}): Promise<void> {
  world.submit(spec);
  await world.settle();
}

async function pass(ms: number): Promise<void> {
  world.advance(ms, true);
  await world.settle();
}

async function extract(term = 1): Promise<Workload & { readonly only: Submission }> {
  await world.close();
  const workload = await workloadOf(join(directory, `journal.00000${term}`));
  const [only] = workload.submissions;
  if (!only) throw new Error("there is no submission");
  return { ...workload, only };
}

test("a job that ends by itself ran from its start to its end, not from its placement", async () => {
  const begunAt = world.now;
  await pass(1_000);
  await submit({ name: "whole", environment: { A: "1" } });
  await pass(5_000);
  await begin();
  await pass(7_000);
  await end(exited(0));
  const { only, ...workload } = await extract();
  expect(only).toMatchObject({ jobId: world.jobs[0], at: begunAt + 1_000, isEarlier: false, cancelledAt: undefined });
  expect(only.spec).toMatchObject({ name: "whole", environment: { A: "1" } });
  expect(only.attempts).toEqual([
    { attempt: 1, startedAt: begunAt + 6_000, runMs: 7_000, isWhole: true, checkpointsMs: [], end: exited(0) },
  ]);
  expect(trueRunTime(only)).toMatchObject({ runMs: 7_000, isWhole: true });
  expect(workload).toMatchObject({ beginsAt: begunAt, endsAt: begunAt + 13_000 });
  expect(workload.tenants.map(({ tenant }) => tenant.id)).toEqual(["tenant-1"]);
  expect(workload.nodes).toMatchObject([{ at: begunAt, node: "node-1", inventory: { cpuCores: 16 } }]);
});

test("a job that was cancelled, or reached its limit, could have run for longer", async () => {
  await submit();
  await begin();
  await pass(3_000);
  for (const id of world.jobs) world.cancel(id);
  await world.settle();
  await pass(1_000);
  await end(exited(143));
  const { only } = await extract();
  expect(only.cancelledAt).toBe(only.at + 3_000);
  expect(trueRunTime(only)).toMatchObject({ runMs: 4_000, isWhole: false });
});

test("a job that ends in the moment in which it is cancelled has ended by itself", async () => {
  await submit();
  await begin();
  await pass(3_000);
  for (const id of world.jobs) world.cancel(id);
  await end(exited(0));
  expect(trueRunTime((await extract()).only)).toMatchObject({ runMs: 3_000, isWhole: true });
});

test("attempts are told apart, and the first that was whole is the job's true time", async () => {
  await submit({ maxRetries: 1 });
  await end({ kind: "node", message: "no disk" });
  await pass(60_000);
  await begin();
  await pass(2_000);
  await end(exited(1));
  await pass(60_000);
  await begin();
  await pass(9_000);
  const { only } = await extract();
  expect(only.attempts).toMatchObject([
    { attempt: 2, runMs: 2_000, isWhole: true, end: { exitCode: 1 } },
    { attempt: 3, runMs: 9_000, isWhole: false, end: undefined },
  ]);
  expect(trueRunTime(only)).toMatchObject({ runMs: 2_000 });
});

test("a gang runs from its last rank's start to its last rank's end, or to its first failure", async () => {
  world.addNode("node-2", 4);
  await world.settle();
  await submit({ gpuCount: 8, gang: true });
  await begin(0);
  await pass(4_000);
  await begin(1);
  await pass(5_000);
  await end(exited(0), 0);
  await pass(1_000);
  await end(exited(0), 1);
  await submit({ gpuCount: 8, gang: true });
  await begin();
  await pass(2_000);
  await end(exited(9), 1);
  await pass(3_000);
  await end(exited(143), 0);
  const { submissions } = await extract();
  expect(submissions.map(({ attempts }) => attempts)).toMatchObject([
    [{ runMs: 6_000, isWhole: true }],
    [{ runMs: 2_000, isWhole: true, end: { exitCode: 9 } }],
  ]);
});

test("what a term finds is in its workload: jobs that wait or run, tenants, and nodes once they are heard", async () => {
  await submit({ name: "runs", gpuCount: 4 });
  await submit({ name: "waits", gpuCount: 4 });
  await submit({ name: "refused", tenantId: "tenant-9" as never });
  await begin();
  await pass(1_000);
  await world.restart();
  await pass(1_000);
  world.hello("node-1");
  await world.settle();
  world.hello("node-1");
  await pass(2_000);
  await end(exited(0));
  const { submissions, tenants, nodes, beginsAt } = await extract(2);
  expect(submissions.map(({ spec, isEarlier }) => [spec.name, isEarlier])).toEqual([
    ["runs", true],
    ["waits", true],
  ]);
  expect(submissions.map(trueRunTime)).toMatchObject([{ runMs: 4_000, isWhole: true }, undefined]);
  expect(tenants).toMatchObject([{ at: beginsAt, tenant: { id: "tenant-1" } }]);
  expect(nodes).toMatchObject([{ at: beginsAt + 1_000, node: "node-1" }]);
});
