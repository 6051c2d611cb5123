import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { asDeviceId, asJobId, asNodeName, asTenantId, type JobId } from "../base/ids.ts";
import { silentLogger } from "../base/logger.ts";
import type { Job, JobSpec } from "../controller/core/model/job.ts";
import type { Write } from "../controller/store/store.ts";
import { openSqliteStore } from "../controller/store/sqlite/sqlite-store.ts";
import { SchedulerService } from "../proto/load.ts";
import type { BenchRow } from "./report.ts";
import { withController } from "./support/controller-process.ts";
import type { BenchOptions } from "./support/options.ts";
import { inTemporaryDirectory } from "./support/temporary-directory.ts";

const TENANTS = 20;
const KINDS = 100;
const BATCH = 1_000;
const HOUR_MS = 3_600_000;
const RUNS = 3;

/** What a start takes: seconds until the first answer, and of the processor until then. */
interface Cost {
  readonly seconds: number;
  readonly processorSeconds: number;
}

/** How long `gpusched controller` with a long history takes from its start until it has answered the first call. */
export function benchStart({ quick }: BenchOptions): Promise<BenchRow[]> {
  const [finished, alive] = quick ? [20_000, 2_000] : [100_000, 10_000];
  return inTemporaryDirectory(async (directory) => {
    const dataDir = join(directory, "controller");
    const limit = costOfParsing(await fill(dataDir, finished, alive));
    // As on any host on which it was started before: Node.js has kept what it made of the sources.
    await measureStart(join(directory, "empty"));
    const costs: Cost[] = [];
    for (let run = 0; run < RUNS; run += 1) costs.push(await measureStart(dataDir));
    const rowOf = (name: string, of: keyof Cost): BenchRow => {
      const values = costs.map((cost) => cost[of]);
      const note = `${finished.toLocaleString("en-US")} jobs that are over, ${alive.toLocaleString("en-US")} that are not; ${values.map((s) => s.toFixed(1)).join(", ")} s`;
      const beside = { name: "JSON.parse of the same rows", value: limit[of] };
      return { name, value: Math.max(...values), unit: "s", limit: beside, note };
    };
    return [
      rowOf("start: until the first call is answered", "seconds"),
      rowOf("start: processor time until then", "processorSeconds"),
    ];
  });
}

function costOfParsing(texts: readonly string[]): Cost {
  const startMs = performance.now();
  const before = process.cpuUsage();
  for (const text of texts) JSON.parse(text);
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - startMs) / 1_000, processorSeconds: (user + system) / 1e6 };
}

/** In a process of its own, Node.js's own start included: nothing of what was made before is in its memory. */
async function measureStart(dataDir: string): Promise<Cost> {
  const startMs = performance.now();
  return withController(dataDir, async (address, processorSeconds) => {
    const client = new SchedulerService(address, credentials.createInsecure());
    try {
      await new Promise<void>((resolve, reject) => {
        client.GetClusterStatus({}, (error) => (error ? reject(error) : resolve()));
      });
      return { seconds: (performance.now() - startMs) / 1_000, processorSeconds: await processorSeconds() };
    } finally {
      client.close();
    }
  });
}

/** A store as years would leave it; returns all of its rows as text. */
async function fill(dataDir: string, finished: number, alive: number): Promise<string[]> {
  const store = await openSqliteStore({ dataDir, log: silentLogger, owner: { address: "bench" } });
  const texts: string[] = [];
  const commit = async (writes: readonly Write[]) => {
    texts.push(...writes.map(({ value }) => JSON.stringify(value)));
    await store.commit(writes);
  };
  await commit(Array.from({ length: TENANTS }, (_, index) => tenantRow(index)));
  const beginsAt = Date.now() - 30 * 24 * HOUR_MS;
  for (let from = 0; from < finished + alive; from += BATCH) {
    const count = Math.min(BATCH, finished + alive - from);
    const rows = Array.from({ length: count }, (_, index) => jobRows(from + index, from + index < finished, beginsAt));
    await commit(rows.flat());
  }
  await store.close();
  return texts;
}

function tenantRow(index: number): Write {
  const id = asTenantId(`tenant-${index + 1}`);
  const value = { id, name: `team ${index}`, limits: {}, tier: "high", allowPreemption: true, canPreemptOthers: false };
  return { table: "tenant", key: id, value: { ...value, active: true, createdAt: 0 } };
}

function jobRows(index: number, isFinished: boolean, beginsAt: number): Write[] {
  const at = beginsAt + index * 20_000;
  const id = asJobId(`job-${String(at).padStart(13, "0")}000000`);
  const kind = index % KINDS;
  const tenantId = asTenantId(`tenant-${(kind % TENANTS) + 1}`);
  const spec: JobSpec = {
    tenantId,
    name: `train-${kind}`,
    gpuCount: 1 + (kind % 8),
    gpuMemoryMb: 16_000 * (1 + (kind % 4)),
    image: "registry.example/team/train:latest",
    script: "python train.py --config config.yaml --epochs 100\n".repeat(4),
    environment: { WANDB_PROJECT: "project", DATA: "/data/set" },
    maxRuntimeMinutes: 120,
  };
  const job = isFinished ? finishedJob(id, spec, at) : queuedJob(id, spec, at);
  return [
    { table: "job", key: id, value: { ...job } },
    { table: "spec", key: id, value: { ...spec } },
  ];
}

function commonOf(id: JobId, { tenantId, name, gpuCount }: JobSpec, at: number) {
  const priorities = { priority: 1_000, effectivePriority: 1_000 };
  return { id, tenantId, name, ...priorities, gpuCount, submittedAt: at, retries: 0, startFailures: 0 };
}

function queuedJob(id: JobId, spec: JobSpec, at: number): Job {
  const history = [{ at, kind: "submitted", message: "submitted" }] as const;
  return { ...commonOf(id, spec, at), phase: "queued", attempt: 0, allocations: [], history };
}

function finishedJob(id: JobId, spec: JobSpec, at: number): Job {
  const [startedAt, finishedAt] = [at + 60_000, at + HOUR_MS];
  const devices = Array.from({ length: spec.gpuCount }, (_, index) => asDeviceId(`GPU-${id}-${index}`));
  const node = asNodeName(`node-${Number(id.slice(-9)) % 100}`);
  return {
    ...commonOf(id, spec, at),
    phase: "finished",
    attempt: 1,
    startedAt,
    placedAt: startedAt - 1_000,
    finishedAt,
    spentGpuMs: spec.gpuCount * HOUR_MS,
    plan: { ms: 2 * HOUR_MS, basis: "limit" },
    outcome: { kind: "completed", exitCode: 0, message: "" },
    allocations: [
      {
        rank: 0,
        node,
        devices,
        cpuCores: 8,
        memoryMb: 32_000,
        gpuMemoryMb: 80_000,
        movesWhenLost: true,
        state: {
          phase: "ended",
          startedAt,
          endedAt: finishedAt,
          end: { kind: "exited", exitCode: 0, outOfMemory: false, message: "" },
        },
      },
    ],
    history: [
      { at, kind: "submitted", message: "submitted" },
      { at: startedAt - 1_000, kind: "placed", message: `attempt 1: ${spec.gpuCount} GPUs on ${node}` },
      { at: startedAt, kind: "started", message: `running on ${node}` },
      { at: finishedAt, kind: "completed", message: "" },
    ],
  };
}
