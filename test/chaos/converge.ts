/** After the last fault: everything must come to rest by itself. */
import { setTimeout as sleep } from "node:timers/promises";
import type { FinalJob } from "./check/final-job.ts";
import type { Workload } from "./workload/clients.ts";
import type { Cluster } from "./world/cluster.ts";

const HEALTHY_WITHIN_MS = 120_000;
const QUIET_WITHIN_MS = 300_000;
const POLL_MS = 500;

/** Resolves with every job there is, once all have ended and nothing is held any more; throws if that does not come. */
export async function converge(cluster: Cluster, workload: Workload): Promise<FinalJob[]> {
  await cluster.untilHealthy(HEALTHY_WITHIN_MS);
  const [rest] = cluster.clients;
  if (!rest) throw new Error("there is no gateway");
  let live: readonly FinalJob[] = [];
  for (const until = performance.now() + QUIET_WITHIN_MS; performance.now() < until; await sleep(POLL_MS)) {
    const jobs: FinalJob[] = [];
    try {
      for (const { id } of await rest.allJobs()) jobs.push((await rest.job(id)) as FinalJob);
    } catch {
      // A controller may still be on its way.
      continue;
    }
    live = jobs.filter(({ phase }) => phase !== "finished");
    const status = await cluster.status();
    if (live.length === 0 && status && status.available_gpus === status.total_gpus) return jobs;
  }
  const left = live.map(({ job_id, phase, message }) => `${job_id} is ${phase}: ${message}`);
  throw new Error(
    `${workload.submissions.length} jobs were asked for, and not all have come to an end: ${left.join("; ") || "GPUs are held"}`,
  );
}
