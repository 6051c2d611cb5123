import { DEFAULT_POLICY } from "../controller/core/model/policy.ts";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { asTenantId, type JobId } from "../base/ids.ts";
import { silentLogger } from "../base/logger.ts";
import { Loop } from "../controller/loop/loop.ts";
import { openSqliteStore } from "../controller/store/sqlite/sqlite-store.ts";
import type { BenchRow } from "./report.ts";
import { measureDisk } from "./support/disk.ts";
import { measureRate } from "./support/in-flight.ts";
import { type BenchOptions, durations } from "./support/options.ts";
import { Samples } from "./support/samples.ts";
import { inTemporaryDirectory } from "./support/temporary-directory.ts";

const IN_FLIGHT = [1, 64, 512] as const;
const SLICE_MS = 100;
const TENANT = asTenantId("tenant-1");
/** A submission is stored as two rows: the job, and what was asked for. */
const ROWS_PER_JOB = 2;

/** How many submissions a second the loop makes durable in the default store and answers. There is no node: jobs only queue. */
export function benchLoop(options: BenchOptions): Promise<BenchRow[]> {
  return inTemporaryDirectory(async (directory) => {
    const rows: BenchRow[] = [];
    for (const inFlight of IN_FLIGHT) rows.push(await measureLoop(directory, inFlight, options));
    return rows;
  });
}

async function measureLoop(directory: string, inFlight: number, options: BenchOptions): Promise<BenchRow> {
  const { measureMs, warmUpMs } = durations(options);
  const disk = measureDisk(directory, inFlight * ROWS_PER_JOB, measureMs / 2);
  const limit = { ...disk, value: disk.value / ROWS_PER_JOB };
  const dataDir = join(directory, String(inFlight));
  const store = await openSqliteStore({ dataDir, log: silentLogger, owner: { address: "bench" } });
  const loop = await startLoop(store);
  try {
    await loop.submit({ kind: "create-tenant", id: TENANT, tenant: { name: "bench", limits: {} } });
    await submitFor(loop, inFlight, warmUpMs);
    const { perSecond, latencies, longestQueue } = await submitFor(loop, inFlight, measureMs);
    const note = `${latencies.summary("ms")}; 0 to ${longestQueue.toLocaleString("en-US")} queued`;
    return { name: `loop: durable submissions, ${inFlight} in flight`, value: perSecond, unit: "/s", limit, note };
  } finally {
    await loop.close();
    await store.close();
  }
}

/** In slices, and after each the queue is emptied, so that the figure does not depend on for how long it is measured. */
async function submitFor(loop: Loop, inFlight: number, durationMs: number) {
  const spec = { tenantId: TENANT, name: "job", gpuCount: 1, script: "python train.py" };
  const latencies = new Samples();
  let [seconds, longestQueue] = [0, 0];
  while (seconds * 1_000 < durationMs) {
    const slice = await measureRate({ inFlight, warmUpMs: 0, measureMs: SLICE_MS }, () =>
      loop.submit({ kind: "submit-job", spec }),
    );
    latencies.addAll(slice.latencies);
    seconds += slice.count / slice.perSecond;
    longestQueue = Math.max(longestQueue, slice.count);
    await clearQueue(loop);
  }
  return { perSecond: latencies.count / seconds, latencies, longestQueue };
}

function startLoop(store: Awaited<ReturnType<typeof openSqliteStore>>): Promise<Loop> {
  return Loop.start({
    store,
    settings: { nodeUnreachableAfterMs: 15_000, nodeLostAfterMs: 300_000, policy: DEFAULT_POLICY },
    clock: systemClock,
    log: silentLogger,
    carryOut: () => {},
    onTermEnd: (error) => console.error("the term ended:", error),
  });
}

async function clearQueue(loop: Loop): Promise<void> {
  const ids: JobId[] = await loop.read((state) => [...state.alive()].map((job) => job.id));
  await Promise.all(ids.map((jobId) => loop.submit({ kind: "cancel-job", jobId })));
}
