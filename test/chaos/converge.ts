/** After the last fault: everything must come to rest by itself. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../base/errors.ts";
import type { RestClient } from "../support/rest-client.ts";
import type { FinalJob } from "./check/final-job.ts";
import { LIVE_STATES } from "./workload/clients.ts";
import type { Cluster } from "./world/cluster.ts";

const HEALTHY_WITHIN_MS = 120_000;
const QUIET_WITHIN_MS = 300_000;
const POLL_MS = 500;
const READERS = 16;
/** Where the rate of clients is limited, these come to the limit soon, and are let in again within a second. */
const MOST_TRIES = 100;

/** Resolves with every job there is, once all have ended and nothing is held any more; throws if that does not come. */
export async function converge(cluster: Cluster): Promise<FinalJob[]> {
  await cluster.untilHealthy(HEALTHY_WITHIN_MS);
  const [rest] = cluster.clients;
  if (!rest) throw new Error("there is no gateway");
  let last = "no controller answers";
  for (const until = performance.now() + QUIET_WITHIN_MS; performance.now() < until; await sleep(POLL_MS)) {
    const [live, status] = await Promise.all([rest.ask("GET", `/jobs?state=${LIVE_STATES}&limit=5`), cluster.status()]);
    if (live?.status !== 200 || !status) continue;
    const { total, jobs } = JSON.parse(live.text) as { total: number; jobs: readonly object[] };
    const held = status.total_gpus - status.available_gpus;
    if (total === 0 && held === 0) return await readAll(rest);
    last = `${total} jobs have not ended, and ${held} GPUs are held; the newest: ${JSON.stringify(jobs)}`;
  }
  throw new Error(`${QUIET_WITHIN_MS / 1_000} s after the last fault not all has come to rest: ${last}`);
}

async function readAll(rest: RestClient): Promise<FinalJob[]> {
  const jobs: FinalJob[] = [];
  const left = (await patiently(() => rest.allJobs())).values();
  const reader = async () => {
    for (const { id } of left) jobs.push((await patiently(() => rest.job(id))) as FinalJob);
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return jobs;
}

async function patiently<T>(read: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await read();
    } catch (error) {
      if (tries === MOST_TRIES || !messageOf(error).includes(": 429 ")) throw error;
      await sleep(POLL_MS);
    }
  }
}
