import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { asTenantId, type JobId } from "../../base/ids.ts";
import { silentLogger } from "../../base/logger.ts";
import { DEFAULT_POLICY } from "../core/model/policy.ts";
import { Loop } from "../loop/loop.ts";
import { createMemoryStore, MemoryDisk } from "../store/memory-store.ts";
import type { Store } from "../store/store.ts";
import { Archivist } from "./archivist.ts";
import { appendDurably } from "./archive-file.ts";
import type { ArchiveLine } from "./archive-line.ts";

const FIRST_OF_MARCH = Date.parse("2026-03-01T00:00:00Z");

let directory: string;
let disk: MemoryDisk;
let now: number;
let loop: Loop;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "gpusched-archive-"));
  disk = new MemoryDisk();
  now = FIRST_OF_MARCH;
  loop = await start(createMemoryStore(disk));
  await loop.submit({ kind: "create-tenant", id: asTenantId("tenant-1"), tenant: { name: "t", limits: {} } });
});
afterEach(async () => {
  await loop.close();
  rmSync(directory, { recursive: true, force: true });
});

function start(store: Store): Promise<Loop> {
  return Loop.start({
    store,
    settings: { nodeUnreachableAfterMs: 15_000, nodeLostAfterMs: 300_000, policy: DEFAULT_POLICY },
    clock: { wallMs: () => now, monotonicMs: () => now },
    log: silentLogger,
    carryOut: () => {},
    onTermEnd: () => {},
    checkEveryBatch: true,
  });
}

/** Whose holder has not heard yet that another term has begun. */
function unaware(store: Store): Store {
  return {
    kind: store.kind,
    tenure: { isHeld: () => true, lost: store.tenure.lost },
    load: () => store.load(),
    commit: (writes) => store.commit(writes),
    close: () => store.close(),
  };
}

/** Jobs that were cancelled while they waited: over at once. */
async function endedJobs(count?: number): Promise<JobId> {
  const environment = { TOKEN: "sesame" };
  const spec = { tenantId: asTenantId("tenant-1"), name: "job", gpuCount: 1, script: "true", environment };
  const { jobId } = await loop.submit({ kind: "submit-job", spec, ...(count ? { count } : {}) });
  await loop.submit({ kind: "cancel-job", jobId });
  return jobId;
}

function archivist(): Archivist {
  return new Archivist({ directory, keepMs: 1_000, keepJobs: 100, loop, log: silentLogger, everyMs: 1 });
}

async function untilKept(count: number): Promise<void> {
  await vi.waitFor(async () => expect(await loop.read((state) => state.jobs.size)).toBe(count), {
    interval: 5,
    timeout: 30_000,
  });
}

function lines(file: string): ArchiveLine[] {
  const texts = readFileSync(join(directory, file), "utf8").trim().split("\n");
  return texts.map((text) => JSON.parse(text) as ArchiveLine);
}

test("jobs leave the store for a file of the month, for its owner alone, without the values of their environment", async () => {
  const first = await endedJobs();
  now += 2_000;
  await endedJobs();
  const running = archivist();
  await untilKept(1);
  now = Date.parse("2026-04-01T00:00:00Z");
  await untilKept(0);
  await running.close();
  expect(readdirSync(directory).sort()).toEqual(["jobs-2026-03.jsonl", "jobs-2026-04.jsonl"]);
  expect(statSync(join(directory, "jobs-2026-03.jsonl")).mode & 0o777).toBe(0o600);
  const [line] = lines("jobs-2026-03.jsonl");
  expect(line).toMatchObject({
    format: 1,
    archivedAt: "2026-03-01T00:00:02Z",
    job: { id: first, phase: "finished", outcome: { kind: "cancelled" } },
    spec: { script: "true", environment: ["TOKEN"] },
  });
  expect(readFileSync(join(directory, "jobs-2026-03.jsonl"), "utf8")).not.toContain("sesame");
  expect([disk.tables.job.size, disk.tables.spec.size]).toEqual([0, 0]);
});

test("the jobs of an array go together, their spec with the first", async () => {
  await endedJobs(1_200);
  now += 2_000;
  const running = archivist();
  await untilKept(0);
  await running.close();
  const all = lines("jobs-2026-03.jsonl");
  expect(all.length).toBe(1_200);
  expect(all.filter(({ spec }) => spec).map(({ job }) => job.array?.index)).toEqual([0]);
});

test("jobs are put down before they are forgotten: a term that ends in between repeats lines and loses none", async () => {
  loop = await start(unaware(createMemoryStore(disk)));
  const id = await endedJobs();
  now += 2_000;
  // Another term begins: this one's commit is refused, its archive is not.
  const next = createMemoryStore(disk);
  const running = archivist();
  await vi.waitFor(() => expect(lines("jobs-2026-03.jsonl").length).toBe(1), { interval: 5, timeout: 30_000 });
  await running.close();
  loop = await start(next);
  expect(await loop.read((state) => state.jobs.has(id))).toBe(true);
  const again = archivist();
  await untilKept(0);
  await again.close();
  expect(lines("jobs-2026-03.jsonl").map(({ job }) => job.id)).toEqual([id, id]);
});

test("an archive that cannot be written keeps the jobs where they are", async () => {
  writeFileSync(join(directory, "file"), "");
  await endedJobs();
  now += 2_000;
  const error = vi.fn<() => void>();
  const running = new Archivist({
    directory: join(directory, "file"),
    keepMs: 1_000,
    keepJobs: 100,
    loop,
    log: { ...silentLogger, error } as typeof silentLogger,
  });
  await vi.waitFor(() => expect(error).toHaveBeenCalledTimes(1), { interval: 5, timeout: 30_000 });
  await running.close();
  await untilKept(1);
});

test("a line that a crash cut off spoils no other", async () => {
  const path = join(directory, "jobs.jsonl");
  await appendDurably(path, [{ n: 1 }]);
  appendFileSync(path, '{"n":');
  await appendDurably(path, [{ n: 2 }, { n: 3 }]);
  expect(readFileSync(path, "utf8")).toBe('{"n":1}\n{"n":\n{"n":2}\n{"n":3}\n');
});
