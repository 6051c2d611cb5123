import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LoopWorld } from "../../test/support/loop-world.ts";
import { DEFAULT_POLICY, policyNamed } from "../core/model/policy.ts";
import { describePolicyDiff, policyDiffJson } from "./describe-policy-diff.ts";
import { workloadOf } from "./journal-workload.ts";
import { policyDiff } from "./policy-diff.ts";

let directory: string;
let world: LoopWorld;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gpusched-diff-"));
  world = new LoopWorld(directory);
  await world.start();
});
afterEach(async () => {
  await world.close();
  await rm(directory, { recursive: true });
});

/** A job of one GPU runs; one of two waits for it, and a short one passes that, or does not. */
async function record(): Promise<void> {
  world.addTenant("tenant-1");
  world.addTenant("tenant-2");
  world.addNode("node-1", 2);
  await world.settle();
  const until = new Map<string, number>();
  const runS: Readonly<Record<string, number>> = { first: 90, wide: 60, short: 60 };
  for (const name of Object.keys(runS)) {
    const tenantId = (name === "short" ? "tenant-2" : "tenant-1") as never;
    world.submit({ name, tenantId, gpuCount: name === "wide" ? 2 : 1, maxRuntimeMinutes: 2 });
    await world.settle();
  }
  for (let step = 0; step < 20; step += 1) {
    for (const [index, name] of Object.keys(runS).entries()) {
      const running = world.running().find((own) => own.name.startsWith(`${world.jobs[index]}`));
      if (!running) continue;
      const endedAt = until.get(name);
      const end = { kind: "exited", exitCode: 0, outOfMemory: false, message: "" } as const;
      if (endedAt === undefined) {
        until.set(name, world.now + (runS[name] ?? 0) * 1_000);
        world.report(running.node, running.name, { phase: "running", startedAt: world.now });
      } else if (endedAt <= world.now) {
        world.report(running.node, running.name, { phase: "ended", endedAt: world.now, end });
      }
    }
    await world.settle();
    if (step % 2 === 1) world.advance(30_000, true);
    await world.settle();
  }
  await world.close();
}

test("policies stand side by side with what was recorded, for all jobs and for each tenant", async () => {
  await record();
  const workload = await workloadOf(join(directory, "journal.000001"));
  const diff = policyDiff(workload, [DEFAULT_POLICY, policyNamed("fifo")]);
  const lines = describePolicyDiff(diff);
  const squeezed = lines.map((line) => line.replaceAll(/(?<=\S) {2,}/g, " | "));
  expect(squeezed.slice(0, 13)).toEqual([
    "from 2023-11-14T22:13:20Z to 2023-11-14T22:18:20Z",
    "",
    "all jobs | recorded | default | fifo",
    "  jobs | 3 | 3 | 3",
    "  never started | 0 | 0 | 0",
    "  wait, mean s | 30.0 | 30.0 | 80.0",
    "  wait, p50 s | 0.0 | 0.0 | 90.0",
    "  wait, p99 s | 90.0 | 90.0 | 150.0",
    "  completion, mean s | 100.0 | 100.0 | 150.0",
    "  bounded slowdown | 1.50 | 1.50 | 2.33",
    "  utilisation % | 90.0 | 90.0 | 64.3",
    "  preemptions | 0 | 0 | 0",
    "  lost GPU-hours | 0.00 | 0.00 | 0.00",
  ]);
  expect(lines).toContain("tenant tenant-2 (tenant-2)  recorded  default   fifo");
  expect(lines).toContain("all 3 jobs ended by themselves: their running times are true");
  expect(lines).toContain("The reruns assume:");
  expect(policyDiffJson(diff)).toMatchObject({
    columns: [
      { name: "recorded", total: { jobs: 3, wait_s: { mean: 30 } } },
      { name: "default", tenants: { "tenant-2": { jobs: 1, wait_s: { p99: 0 } } } },
      { name: "fifo", tenants: { "tenant-2": { jobs: 1, wait_s: { p99: 150 } } } },
    ],
    uncertain_run_times: {},
  });
});

test("a job that still runs when the journal ends has held its GPUs until then, for all and for its tenant", async () => {
  world.addTenant("tenant-1");
  world.addTenant("tenant-2");
  world.addNode("node-1", 4);
  await world.settle();
  for (const [tenantId, gpuCount] of [["tenant-1", 1] as const, ["tenant-2", 2] as const]) {
    world.submit({ tenantId: tenantId as never, gpuCount });
    await world.settle();
  }
  for (const { node, name } of world.running()) world.report(node, name, { phase: "running", startedAt: world.now });
  await world.settle();
  for (let step = 0; step < 20; step += 1) {
    world.advance(30_000, true);
    await world.settle();
  }
  await world.close();
  const [recorded] = policyDiff(await workloadOf(join(directory, "journal.000001")), [DEFAULT_POLICY]).columns;
  expect(recorded.total).toMatchObject({ utilisationPercent: 75, gpuHours: 0.5 });
  expect(recorded.tenants.get("tenant-1")).toMatchObject({ utilisationPercent: 25 });
  expect(recorded.tenants.get("tenant-2")).toMatchObject({ utilisationPercent: 50 });
});

test("a journal from which a batch was removed is compared, and said to differ from there on", async () => {
  await record();
  const path = join(directory, "journal.000001");
  const lines = (await readFile(path, "utf8")).split("\n");
  // The first job's submission, behind those of tenants and node.
  const removed = lines.findIndex((line) => line.includes('"kind":"submit-job"'));
  await writeFile(path, lines.toSpliced(removed, 1).join("\n"));
  const diff = policyDiff(await workloadOf(path), [DEFAULT_POLICY]);
  expect(policyDiffJson(diff)).toMatchObject({ differs_from_line: removed + 1 });
  expect(describePolicyDiff(diff)).toContainEqual(
    expect.stringMatching(new RegExp(`^from line ${removed + 1} on this version decides otherwise than was recorded`)),
  );
});

test("where no job has started there is no wait and no completion to tell", async () => {
  world.addTenant("tenant-1");
  await world.settle();
  world.submit();
  await world.settle();
  await world.close();
  const diff = policyDiff(await workloadOf(join(directory, "journal.000001")), [DEFAULT_POLICY]);
  const nothing = { wait_s: { mean: null, p50: null, p99: null }, completion_mean_s: null, bounded_slowdown: null };
  expect(policyDiffJson(diff)).toMatchObject({
    differs_from_line: null,
    columns: [{ total: nothing }, { total: nothing }],
  });
  expect(describePolicyDiff(diff)).toContainEqual(expect.stringMatching(/^ {2}wait, mean s +- +-$/));
});
