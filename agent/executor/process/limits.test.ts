/** Jobs in control groups of their own, as far as this host lets them be made. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { allocationName } from "../../../base/ids.ts";
import { silentLogger } from "../../../base/logger.ts";
import { launchSpec } from "../../../test/support/allocation-log.ts";
import { Processes } from "../../guard/processes.ts";
import type { AllocationState, Executor, LaunchSpec } from "../executor.ts";
import { AttemptFiles } from "./attempt-files.ts";
import { processesOfJob } from "./cgroup/job-group.ts";
import { placeFor } from "./cgroup/host-place.ts";
import { createProcessExecutor } from "./process-executor.ts";

const WAIT = { timeout: 30_000, interval: 20 };
/** Leaves its session twice over, and so everything but its control group. */
const FLEE = "setsid setsid sleep 600 & setsid sleep 601 &";

let dataDir: string;
let executors: Executor[];
const states = new Map<string, AllocationState>();

beforeEach(async (context) => {
  dataDir = await mkdtemp(join(tmpdir(), "process-limits-"));
  executors = [];
  const { place, reason } = placeFor(dataDir);
  context.skip(!place?.limits.includes("memory"), `jobs are not limited on this host: ${reason}`);
});

afterEach(async () => {
  for (const executor of executors) await executor.close();
  await killRunner().catch(() => undefined);
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

async function startAgent(): Promise<Executor> {
  const executor = await createProcessExecutor({
    agentId: "agent-a",
    dataDir,
    minFreeDisk: { bytes: 0, share: undefined },
    log: silentLogger,
    onChange: (key, state) => void states.set(allocationName(key), state),
  });
  executors.push(executor);
  for (const { key, state } of await executor.recover()) states.set(allocationName(key), state);
  return executor;
}

async function killRunner(): Promise<void> {
  process.kill(Number(await readFile(join(dataDir, "runner.pid"), "utf8")), "SIGKILL");
}

async function until(spec: LaunchSpec, phase: AllocationState["phase"]): Promise<void> {
  await expect.poll(() => states.get(allocationName(spec.key))?.phase, WAIT).toBe(phase);
}

async function groupOf(spec: LaunchSpec) {
  const group = await new AttemptFiles(dataDir).readGroup(allocationName(spec.key));
  if (!group) throw new Error("it has no control group");
  return group;
}

test("a job that needs more memory than it asked for ends as such, and its group goes", async () => {
  const executor = await startAgent();
  const spec = launchSpec({ script: "head -c 200000000 /dev/zero | tail > /dev/null; echo on", memoryMb: 64 });
  executor.launch(spec);
  await until(spec, "ended");
  expect(states.get(allocationName(spec.key))).toMatchObject({
    end: { kind: "exited", outOfMemory: true, message: "out of memory (limit 64 MB)" },
  });
  expect((await groupOf(spec)).directories.filter(existsSync)).toEqual([]);
});

test("a job that keeps to its memory, and one that is killed otherwise, did not run out of it", async () => {
  const executor = await startAgent();
  const spec = launchSpec({ script: "kill -KILL $$", memoryMb: 64 });
  executor.launch(spec);
  await until(spec, "ended");
  expect(states.get(allocationName(spec.key))).toMatchObject({ end: { outOfMemory: false, signal: 9 } });
});

test("what flees its session is gone before the job's end is told", async () => {
  const executor = await startAgent();
  const spec = launchSpec({ script: `${FLEE} echo fled` });
  executor.launch(spec);
  await until(spec, "ended");
  const group = await groupOf(spec);
  expect(processesOfJob(group)).toEqual([]);
  expect(group.directories.filter(existsSync)).toEqual([]);
});

test("the next agent finds the group of a job whose runner is dead, and a stop leaves nothing of it", async () => {
  const first = await startAgent();
  const spec = launchSpec({ script: `${FLEE} sleep 600`, graceMs: 0 });
  first.launch(spec);
  await until(spec, "running");
  const group = await groupOf(spec);
  await expect.poll(() => processesOfJob(group).length, WAIT).toBeGreaterThanOrEqual(4);
  await first.close();
  await killRunner();
  const second = await startAgent();
  second.stop(spec.key, 0, "test");
  await until(spec, "ended");
  await expect.poll(() => processesOfJob(group), WAIT).toEqual([]);
  await second.release(spec.key);
  expect(group.directories.filter(existsSync)).toEqual([]);
});

test("the guard kills what flees as well", async () => {
  const executor = await startAgent();
  const spec = launchSpec({ script: `${FLEE} sleep 600`, requeueOnNodeLost: true });
  executor.launch(spec);
  await until(spec, "running");
  const group = await groupOf(spec);
  await expect.poll(() => processesOfJob(group).length, WAIT).toBeGreaterThanOrEqual(4);
  // Nobody else is there to do it.
  await executor.close();
  await killRunner();
  await new Processes(dataDir, silentLogger).kill();
  await expect.poll(() => processesOfJob(group), WAIT).toEqual([]);
});

test("a runner that is older than limits is sent none", async () => {
  const executor = await startAgent();
  await rm(join(dataDir, "runner.features"));
  await executor.close();
  const next = await startAgent();
  const spec = launchSpec({ script: "exit 3" });
  next.launch(spec);
  await until(spec, "ended");
  expect(states.get(allocationName(spec.key))).toMatchObject({ end: { exitCode: 3 } });
  await expect(groupOf(spec)).rejects.toThrow("it has no control group");
});
