import { setTimeout as sleep } from "node:timers/promises";
import type { BenchRow } from "./report.ts";
import { HttpClient } from "./support/http-client.ts";
import { measureRate } from "./support/in-flight.ts";
import { SIMULATED_GPUS, withServer } from "./support/measured-server.ts";
import type { BenchOptions } from "./support/options.ts";
import { nanosecondsNow, runBare, spawnBare } from "./support/processes.ts";
import { stopRunner } from "./support/runner.ts";
import { Samples } from "./support/samples.ts";
import { inTemporaryDirectory } from "./support/temporary-directory.ts";

const JOBS = "/api/v1/jobs";
const CONNECTIONS = 16;
/** A job that ends at once is over by then; asked earlier, the system would not be idle while it starts. */
const PAUSE_MS = 150;
const POLL_MS = 20;
const WARM_UP_JOBS = 5;
const JOB_DEADLINE_MS = 60_000;
/** Prints when it runs, in nanoseconds since the epoch. */
const TELL_TIME = ["/bin/date", "+%s%N"] as const;

interface Submitted {
  readonly job_id: string;
}

/** From a submission to the job's process, with the process executor and the whole system in one process, as `gpusched dev` runs it. */
export function benchAgent(options: BenchOptions): Promise<BenchRow[]> {
  return inTemporaryDirectory(async (directory) => {
    try {
      return await withServer("dev", directory, (address) => measure(address, options));
    } finally {
      await stopRunner(directory);
    }
  });
}

async function measure(address: string, { quick }: BenchOptions): Promise<BenchRow[]> {
  const client = new HttpClient(address, CONNECTIONS);
  try {
    await untilOnline(client);
    const latencies = await measureLatency(client, quick ? 30 : 100);
    return [...latencies, await measureThroughput(client, quick ? 100 : 500)];
  } finally {
    client.close();
  }
}

/** One job at a time on an idle system, and between each two a process without it. */
async function measureLatency(client: HttpClient, count: number): Promise<BenchRow[]> {
  const [submitted, bare] = [new Samples(), new Samples()];
  for (let sample = -WARM_UP_JOBS; sample < count; sample += 1) {
    const ofJob = await startupMs(() => submitAndRead(client));
    const ofProcess = await startupMs(() => runBare(TELL_TIME));
    if (sample < 0) continue;
    submitted.add(ofJob);
    bare.add(ofProcess);
    await sleep(PAUSE_MS);
  }
  const beside = "spawn to first instruction";
  return [50, 99].map((percent) => ({
    name: `agent: submit to first instruction, p${percent}`,
    value: submitted.percentile(percent),
    unit: "ms",
    limit: { name: `${beside}, p${percent}`, value: bare.percentile(percent) },
    note: `${count} jobs one after the other on an idle system`,
  }));
}

/** From now until the process says that it runs. */
async function startupMs(run: () => Promise<string>): Promise<number> {
  const startNs = nanosecondsNow();
  return Number(BigInt((await run()).trim()) - startNs) / 1_000_000;
}

async function submitAndRead(client: HttpClient): Promise<string> {
  const [program, ...args] = TELL_TIME;
  const { job_id } = await client.post<Submitted>(JOBS, job([program], args));
  await sleep(PAUSE_MS);
  await untilState(client, job_id);
  return client.getText(`${JOBS}/${job_id}/logs`);
}

/** Many jobs that end at once, from the first submission to the last end. */
async function measureThroughput(client: HttpClient, count: number): Promise<BenchRow> {
  const inFlight = SIMULATED_GPUS;
  const bare = await measureRate({ inFlight, warmUpMs: 200, measureMs: 1_000 }, () => spawnBare("/bin/true"));
  const startMs = performance.now();
  let left = count;
  const submit = async () => {
    while (left-- > 0) await client.post(JOBS, job(["/bin/true"]));
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, submit));
  const submittedMs = performance.now() - startMs;
  await untilIdle(client);
  const value = (count * 1_000) / (performance.now() - startMs);
  const limit = { name: `spawns of /bin/true, ${inFlight} in flight`, value: bare.perSecond };
  const note = `${count} jobs on ${SIMULATED_GPUS} GPUs, all submitted after ${(submittedMs / 1_000).toFixed(1)} s`;
  return { name: "agent: jobs of /bin/true, submitted to completed", value, unit: "/s", limit, note };
}

function job(command: readonly string[], args: readonly string[] = []): object {
  return { tenant_id: "tenant-123", name: "job", gpu_count: 1, command, args };
}

function untilOnline(client: HttpClient): Promise<void> {
  return poll("the node to come online", async () => {
    const { online_nodes } = await client.get<{ online_nodes: number }>("/api/v1/cluster/status");
    return online_nodes === 1;
  });
}

function untilState(client: HttpClient, id: string): Promise<void> {
  return poll(`${id} to complete`, async () => {
    const { state, message } = await client.get<{ state: string; message: string }>(`${JOBS}/${id}`);
    if (state === "failed") throw new Error(`${id} failed: ${message}`);
    return state === "completed";
  });
}

function untilIdle(client: HttpClient): Promise<void> {
  return poll("all jobs to end", async () => {
    const { total } = await client.get<{ total: number }>(`${JOBS}?state=pending,running&limit=1`);
    return total === 0;
  });
}

async function poll(what: string, isDone: () => Promise<boolean>): Promise<void> {
  const startMs = performance.now();
  while (!(await isDone())) {
    if (performance.now() - startMs > JOB_DEADLINE_MS) throw new Error(`waited ${JOB_DEADLINE_MS} ms for ${what}`);
    await sleep(POLL_MS);
  }
}
