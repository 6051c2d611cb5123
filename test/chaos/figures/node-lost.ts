/** How long after a host's death its jobs are requeued. */
import { join } from "node:path";
import { SECOND_MS } from "../../../base/time.ts";
import { killJobs } from "../../support/dev-process.ts";
import type { RestClient } from "../../support/rest-client.ts";
import type { FinalJob } from "../check/final-job.ts";
import type { Session } from "../session.ts";
import type { Submission } from "../workload/submission.ts";
import { describeDistribution } from "./distribution.ts";
import { until, untilSomebodyLeads } from "./until.ts";

const HEALTHY_WITHIN_MS = 120_000;

/** @param failsOver the leader is killed in the same moment */
export async function measureNodeLost(session: Session, count: number, failsOver: boolean): Promise<void> {
  const { cluster, workload } = session;
  const [rest] = cluster.clients;
  if (!rest) return;
  const lostAfterMs = cluster.options.timing.nodeLostAfterS * SECOND_MS;
  const jobs = await workload.addSteady(cluster.agents.length, {});
  const lateMs: number[] = [];
  for (let n = 0; n < count; n += 1) {
    await cluster.untilHealthy(HEALTHY_WITHIN_MS);
    const { job, attempt, nodeName } = await until("a steady job runs", () => anyRunning(rest, jobs));
    const host = cluster.agents.find((agent) => agent.nodeName === nodeName);
    const leader = await cluster.leader();
    if (!host || !leader) continue;
    await host.program.kill();
    await killJobs(join(host.dataDir, ".."));
    let fromMs = Date.now();
    if (failsOver) {
      await leader.kill();
      leader.start();
      fromMs = await untilSomebodyLeads(cluster.controllers, fromMs);
    }
    const requeuedMs = await until("the job is requeued", () => requeueOf(rest, job, attempt));
    lateMs.push(requeuedMs - fromMs - lostAfterMs);
    host.program.start();
  }
  const from = failsOver ? "the election of the next leader" : "its host's death";
  const what = `requeued after ${from}, beyond --node-lost-after ${cluster.options.timing.nodeLostAfterS}s`;
  console.log(describeDistribution(what, lateMs));
  await workload.cancel(jobs);
}

async function anyRunning(rest: RestClient, jobs: readonly Submission[]) {
  for (const job of jobs) {
    const { state, attempt, node_name: nodeName } = await rest.job(job.id ?? "");
    if (state === "running") return { job, attempt, nodeName };
  }
  return undefined;
}

/** When the controller noted that the attempt was given up; undefined as long as it was not. */
async function requeueOf(rest: RestClient, { id }: Submission, attempt: number): Promise<number | undefined> {
  const answer = await rest.ask("GET", `/jobs/${id}`);
  if (answer?.status !== 200) return undefined;
  const { history } = JSON.parse(answer.text) as FinalJob;
  const placed = history.findIndex(
    ({ kind, message }) => kind === "placed" && message.startsWith(`attempt ${attempt}:`),
  );
  const event = history.slice(placed).find(({ kind }) => kind === "requeued");
  return event && Date.parse(event.at);
}
