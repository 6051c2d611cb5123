/** A journal's workload, run again under the journal's own policy, comes to what was recorded. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { asJobId, type JobId } from "../../base/ids.ts";
import { LoopWorld } from "../../test/support/loop-world.ts";
import { Random } from "../../test/support/random.ts";
import type { JobSpec } from "../core/model/job.ts";
import type { RunRecord } from "../replay/record.ts";
import { workloadOf } from "./journal-workload.ts";
import { rerunUnder } from "./policy-diff.ts";
import { rerunOf } from "./rerun.ts";

const SECOND = 1_000;

let directory: string;
let world: LoopWorld;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gpusched-rerun-"));
  world = new LoopWorld(directory);
  await world.start();
});
afterEach(async () => {
  await world.close();
  await rm(directory, { recursive: true });
});

async function rerun() {
  await world.close();
  const workload = await workloadOf(join(directory, "journal.000001"));
  const again = rerunOf(workload);
  return { workload, again, record: rerunUnder(again, workload.settings.policy) };
}

/** Start and end of every attempt of each job, in seconds. */
function story(jobs: RunRecord["jobs"]): Record<string, string> {
  const seconds = (ms: number | undefined) => (ms === undefined ? "" : ms / SECOND);
  return Object.fromEntries(
    jobs.map(({ job, attempts, droppedMs }) => {
      const runs = attempts.map(({ startMs, endMs, ended }) => `${seconds(startMs)}-${seconds(endMs)} ${ended}`);
      return [job.name, droppedMs === undefined ? runs.join(", ") : `dropped at ${seconds(droppedMs)}`];
    }),
  );
}

/** How long an attempt really runs, and how it ends then. */
type Truth = (id: JobId, attempt: number) => { readonly ms: number; readonly exitCode: number };

/** Real nodes' part: what was launched runs at once, and ends when its time has passed. */
class Driver {
  /** When each attempt ends by itself, by allocation without its rank. */
  readonly #ends = new Map<string, { readonly at: number; readonly exitCode: number }>();
  readonly #times = new Set<number>();
  readonly #truth: Truth;

  constructor(truth: Truth) {
    this.#truth = truth;
  }

  /** Something may happen then. */
  expect(at: number): void {
    this.#times.add(at);
  }

  /** Goes to the next time at which anything can happen; false when there is none before `until`. */
  async next(until: number): Promise<boolean> {
    const due = Math.max(await world.nextDeadline(), world.now + 1);
    const at = Math.min(...[...this.#times].filter((time) => time > world.now), due, until);
    world.now = at;
    return at < until;
  }

  /** Reports what has ended by now. */
  reportEnds(): void {
    this.#report((attempt) => {
      const end = this.#ends.get(attempt);
      if (!end || end.at > world.now) return undefined;
      const exited = { kind: "exited", exitCode: end.exitCode, outOfMemory: false, message: "" } as const;
      return { phase: "ended", endedAt: world.now, end: exited };
    });
  }

  /** The user's jobs are being stopped, and end. */
  reportStopped(ids: readonly JobId[]): void {
    this.#report((attempt) => {
      if (!ids.some((id) => attempt.startsWith(id))) return undefined;
      const exited = { kind: "exited", signal: 15, outOfMemory: false, message: "" } as const;
      return { phase: "ended", endedAt: world.now, end: exited };
    });
  }

  reportStarts(): void {
    this.#report((attempt) => {
      if (this.#ends.has(attempt)) return undefined;
      return { phase: "running", startedAt: world.now };
    });
    for (const { name } of world.running()) {
      const attempt = name.replace(/-\d+$/, "");
      if (this.#ends.has(attempt)) continue;
      const cut = attempt.lastIndexOf("-");
      const { ms, exitCode } = this.#truth(asJobId(attempt.slice(0, cut)), Number(attempt.slice(cut + 1)));
      this.#ends.set(attempt, { at: world.now + ms, exitCode });
      this.expect(world.now + ms);
    }
  }

  #report(stateOf: (attempt: string) => Parameters<LoopWorld["report"]>[2] | undefined): void {
    for (const { node, name } of world.running()) {
      const state = stateOf(name.replace(/-\d+$/, ""));
      if (state) world.report(node, name, state);
    }
  }
}

function spec(random: Random): Partial<JobSpec> {
  const kind = random.next();
  const shape: Partial<JobSpec> =
    kind < 0.1
      ? { gpuCount: 0 }
      : kind < 0.3
        ? { gpuCount: random.between(2, 10), gang: true }
        : { gpuCount: random.between(1, 4) };
  return {
    ...shape,
    tenantId: `tenant-${random.between(1, 3)}` as never,
    priority: random.pick([100, 1_000, 5_000]) ?? 0,
    cpuCores: random.between(0, 3),
    memoryMb: random.between(0, 9_000),
    maxRetries: random.between(0, 2),
    ...(random.next() < 0.5 && { maxRuntimeMinutes: random.between(10, 60) }),
    ...(random.next() < 0.2 && { notBefore: world.now + random.between(1, 90) * SECOND }),
    ...(random.next() < 0.3 && world.jobs.length > 0 && { dependsOn: [random.pick(world.jobs.slice(-10)) as JobId] }),
  };
}

test.each([1, 2, 3, 4])("of a random workload every attempt starts and ends as recorded (seed %d)", async (seed) => {
  const random = new Random(seed);
  const driver = new Driver((id, attempt) => {
    const own = new Random(Number(id.slice(8, 14)) + 1_000_003 * Number(id.slice(-3)) + 7 * attempt);
    return { ms: own.between(1_000, 400_000), exitCode: own.next() < 0.2 ? 1 : 0 };
  });
  world.addTenant("tenant-1", { gpus: 8 });
  world.addTenant("tenant-2");
  world.addTenant("tenant-3", { concurrentJobs: 2 });
  for (const name of ["node-1", "node-2", "node-3"]) world.addNode(name, 4);
  await world.settle();
  let submissions = 120;
  for (let at = world.now; submissions > 0; at += (random.pick([0, 5, 20, 60]) ?? 0) * SECOND) {
    submissions -= 1;
    driver.expect(at);
  }
  const last = world.now + 30_000 * SECOND;
  do {
    driver.reportEnds();
    const cancelled = random.next() < 0.1 ? world.jobs.slice(-2, -1) : [];
    for (const id of cancelled) world.cancel(id);
    for (let count = random.between(0, 2); count > 0 && world.jobs.length < 150; count -= 1) {
      const asked = spec(random);
      world.submit(asked, random.next() < 0.1 ? 3 : undefined);
    }
    // Of one moment, time passes last: as in the virtual cluster.
    world.advance(0, true);
    await world.settle();
    driver.reportStarts();
    await world.settle();
    driver.reportStopped(cancelled);
    await world.settle();
    driver.reportStarts();
    await world.settle();
  } while (await driver.next(last));
  const { again, record } = await rerun();
  expect(story(record.jobs)).toEqual(story(again.recorded));
  expect(record.jobs.length).toBeGreaterThan(100);
});

const exited = (exitCode: number) => ({ kind: "exited", exitCode, outOfMemory: false, message: "" }) as const;

async function pass(ms: number): Promise<void> {
  world.advance(ms, true);
  await world.settle();
}

async function begin(): Promise<void> {
  await world.settle();
  for (const { node, name } of world.running()) world.report(node, name, { phase: "running", startedAt: world.now });
  await world.settle();
}

test("a node that was lost is away in the rerun from when it was last heard, and what it ran starts anew", async () => {
  world.addTenant("tenant-1");
  world.addNode("node-1", 4);
  world.addNode("node-2", 2);
  await world.settle();
  world.submit({ name: "moved", gpuCount: 4, onNodeLost: "requeue" });
  await begin();
  await pass(10 * SECOND);
  world.disconnect("node-1");
  world.submit({ name: "other", gpuCount: 2 });
  await begin();
  await pass(400 * SECOND);
  world.node("node-1").running.clear();
  world.hello("node-1");
  // It has to be heard for a while before it is given jobs again.
  await world.settle();
  for (let good = 0; good < 3; good++) await pass(5 * SECOND);
  await begin();
  await pass(60 * SECOND);
  for (const { node, name } of world.running()) {
    world.report(node, name, { phase: "ended", endedAt: world.now, end: exited(0) });
  }
  await world.settle();
  const { workload, record } = await rerun();
  const { beginsAt } = workload;
  expect(workload.absences).toEqual([{ node: "node-1", from: beginsAt + 10_000, until: beginsAt + 410_000 }]);
  expect(record.capacity?.map(({ gpus }) => gpus)).toEqual([6, 2, 6]);
  expect(Object.values(story(record.jobs))).toEqual(["0-10 lost, 410-470 over", "10-485 over"]);
});

test("what a job had saved when it was stopped is neither done again nor lost in the rerun", async () => {
  world.addTenant("tenant-1");
  world.addNode("node-1", 4);
  world.addNode("node-2", 4);
  await world.settle();
  world.submit({ name: "moved", gpuCount: 4, onNodeLost: "requeue" });
  await begin();
  for (const seconds of [6, 24]) {
    await pass(seconds * SECOND);
    for (const id of world.jobs) world.checkpoint(id);
    await world.settle();
  }
  await pass(2 * SECOND);
  world.disconnect("node-1");
  await pass(400 * SECOND);
  await begin();
  await pass(60 * SECOND);
  for (const { node, name } of world.running()) {
    if (node === "node-2") world.report(node, name, { phase: "ended", endedAt: world.now, end: exited(0) });
  }
  await world.settle();
  const { again, record } = await rerun();
  // It went on from the 30 seconds that were safe, and needs 90 in all.
  expect(again.jobs).toMatchObject([{ runMs: 90 * SECOND, checkpointsMs: [6 * SECOND, 30 * SECOND] }]);
  for (const { attempts } of [...again.recorded, ...record.jobs]) {
    expect(attempts.map(({ keptMs }) => keptMs / SECOND)).toEqual([30, 60]);
  }
});

test("a job that was stopped for an idle device is stopped in the replay, and in the rerun runs as long, not until its limit", async () => {
  world.addTenant("tenant-1", {}, { minGpuUtilization: 10, gpuIdleWindowMinutes: 1 });
  world.addNode("node-1", 1);
  world.node("node-1").utilization.set("node-1-gpu-0", 0);
  await world.settle();
  world.submit({ name: "idle", gpuCount: 1, maxRuntimeMinutes: 600 });
  await begin();
  for (let beats = 0; beats < 13; beats += 1) await pass(5 * SECOND);
  for (const { node, name } of world.running()) {
    world.report(node, name, { phase: "ended", endedAt: world.now, end: exited(143) });
  }
  await world.settle();
  await pass(5 * SECOND);
  const { workload, again, record } = await rerun();
  expect(workload).toMatchObject({ differsFromLine: undefined, submissions: [{ outcome: "failed", wasIdle: true }] });
  expect([...again.certainty.values()]).toEqual(["at-least"]);
  expect(Object.values(story(record.jobs))).toEqual(["0-65 over"]);
});

test("jobs of which the end was not seen are marked, and taken back or ended by their limits as they were", async () => {
  world.addTenant("tenant-1");
  world.addNode("node-1", 4);
  await world.settle();
  for (const name of ["ends", "cancelled", "limited", "goes on"]) {
    world.submit({ name, ...(name === "limited" && { maxRuntimeMinutes: 1 }) });
  }
  world.submit({ name: "waits", gpuCount: 4 });
  await begin();
  const [ends, cancelled, limited] = world.running();
  const end = async (of: typeof ends, exitCode: number) => {
    if (of) world.report(of.node, of.name, { phase: "ended", endedAt: world.now, end: exited(exitCode) });
    await world.settle();
  };
  await pass(20 * SECOND);
  await end(ends, 0);
  for (const id of world.jobs.slice(1, 2)) world.cancel(id);
  await world.settle();
  await end(cancelled, 143);
  await pass(40 * SECOND);
  await end(limited, 143);
  await pass(30 * SECOND);
  const { again, record } = await rerun();
  expect([...again.certainty.values()]).toEqual(["whole", "until-cancelled", "until-limit", "at-least", "guessed"]);
  expect(Object.values(story(record.jobs))).toEqual([
    "0-20 over",
    "0-20 over",
    "0-60 over",
    "0-90 over",
    "90-110 over",
  ]);
});
