import { join } from "node:path";
import { silentLogger } from "../base/logger.ts";
import { openSqliteStore } from "../controller/store/sqlite/sqlite-store.ts";
import type { Store, Write } from "../controller/store/store.ts";
import type { BenchRow } from "./report.ts";
import { measureDisk } from "./support/disk.ts";
import { type BenchOptions, durations } from "./support/options.ts";
import { inTemporaryDirectory } from "./support/temporary-directory.ts";

const BATCHES = [1, 64, 512] as const;
const LOAD_BATCH = 500;

/**
 * How fast the default store makes rows durable, beside what the same disk does with a bare append and sync, and how long a controller
 * with a long history takes to open it. Uses the disk of the directory for temporary files (`TMPDIR`).
 */
export function benchStore(options: BenchOptions): Promise<BenchRow[]> {
  return inTemporaryDirectory(async (directory) => [
    ...(await measureCommits(directory, options)),
    await measureOpening(join(directory, "opening"), options.quick ? 20_000 : 110_000),
  ]);
}

async function measureCommits(directory: string, options: BenchOptions): Promise<BenchRow[]> {
  const { measureMs } = durations(options);
  const store = await open(join(directory, "commits"));
  const rows: BenchRow[] = [];
  for (const size of BATCHES) {
    const limit = measureDisk(directory, size, measureMs / 2);
    let commits = 0;
    const startMs = performance.now();
    while (performance.now() - startMs < measureMs) {
      await store.commit(jobs(`${size}-`, commits * size, size));
      commits += 1;
    }
    const value = (commits * size * 1_000) / (performance.now() - startMs);
    const note = size === 1 ? "one after the other, each waits for the disk" : `${Math.round(value / size)} commits/s`;
    rows.push({ name: `store: rows in commits of ${size}`, value, unit: "rows/s", limit, note });
  }
  await store.close();
  return rows;
}

async function measureOpening(dataDir: string, count: number): Promise<BenchRow> {
  const store = await open(dataDir);
  const texts: string[] = [];
  for (let from = 0; from < count; from += LOAD_BATCH) {
    const rows = jobs("", from, LOAD_BATCH);
    const both = [...rows, ...rows.map((row) => ({ ...row, table: "spec" as const }))];
    texts.push(...both.map(({ value }) => JSON.stringify(value)));
    await store.commit(both);
  }
  await store.close();
  const limit = {
    name: "JSON.parse of the same rows",
    value: secondsOf(() => texts.map((text) => JSON.parse(text) as unknown)),
  };
  const startMs = performance.now();
  const reopened = await open(dataDir);
  const value = (performance.now() - startMs) / 1_000;
  await reopened.close();
  const note = `${count.toLocaleString("en-US")} jobs of two rows, every row verified`;
  return { name: "store: open and load", value, unit: "s", limit, note };
}

function secondsOf(work: () => unknown): number {
  const startMs = performance.now();
  work();
  return (performance.now() - startMs) / 1_000;
}

/** Opened and loaded, as the controller does. */
async function open(dataDir: string): Promise<Store> {
  const store = await openSqliteStore({ dataDir, log: silentLogger, owner: { address: "bench" } });
  await store.load();
  return store;
}

/** Rows of about 600 bytes, as a job that ran once. */
function jobs(prefix: string, from: number, count: number): Write[] {
  return Array.from({ length: count }, (_, index) => {
    const key = `job-${prefix}${from + index}`;
    const events = ["pending", "running", "completed"].map((state) => ({
      at: 1_700_000_000_000,
      kind: "state",
      state,
    }));
    const devices = ["GPU-8a1f2b3c-1111-2222-3333-444455556666", "GPU-8a1f2b3c-1111-2222-3333-444455556667"];
    const allocations = [{ rank: 0, node: "gpu-node-17", devices, cores: 8, memoryMb: 65_536 }];
    const value = { id: key, phase: "completed", tenant: "tenant-7", attempt: 1, exitCode: 0, allocations, events };
    return { table: "job", key, value };
  });
}
