/** Agents and Docker Engines are killed under running jobs, which must not notice. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { RestClient } from "../../support/rest-client.ts";
import { runsOf } from "../check/runs.ts";
import type { Session } from "../session.ts";
import { readNotes } from "../workload/job-script.ts";
import type { Submission } from "../workload/submission.ts";
import { describeDistribution } from "./distribution.ts";
import { until, untilLogged } from "./until.ts";

const ADOPTED = "connected to the controller";
/** Agents that are killed at about the same time. */
const AT_ONCE = 4;
const LONGEST_PEACE_MS = 1_000;

export async function measureAgentKills(session: Session, count: number): Promise<void> {
  const { cluster, workload, random, notes } = session;
  const jobs = await workload.addSteady(cluster.agents.length, {});
  await untilRunning(cluster.clients, jobs);
  const backMs: number[] = [];
  for (let done = 0; done < count; done += AT_ONCE) {
    const victims = random.shuffle(cluster.agents).slice(0, AT_ONCE);
    const kill = async ({ program }: (typeof victims)[number]) => {
      await sleep(random.between(0, LONGEST_PEACE_MS));
      await program.kill();
      const atMs = Date.now();
      program.start();
      backMs.push((await untilLogged(program, ADOPTED, atMs)) - atMs);
    };
    await Promise.all(victims.map(kill));
  }
  console.log(describeDistribution("agent-kill: until it is connected again", backMs));
  await expectAttempts(cluster.clients, jobs);
  for (const job of jobs) {
    const own = runsOf(readNotes(notes).filter(({ jobId }) => jobId === job.id));
    const alive = own.filter(({ pid }) => isAlive(pid));
    if (own.length !== 1 || alive.length !== 1) throw new Error(`${job.name} was touched: ${JSON.stringify(own)}`);
  }
  console.log(`agent-kill: ${backMs.length} kills, ${jobs.length} jobs with the same process in their first attempt`);
  await workload.cancel(jobs);
}

export async function measureEngineKills(session: Session, count: number): Promise<void> {
  const { cluster, workload, containers, random } = session;
  const jobs = await workload.addSteady(cluster.dockerAgents.length * 2, { isContainer: true });
  await untilRunning(cluster.clients, jobs);
  const seen = () => {
    const own = [...containers.containers.values()].filter((it) =>
      jobs.some(({ id }) => id === it.labels["gpusched.job"]),
    );
    return own.map(({ id, pid, restarts, startedAtMs }) => `${id} ${pid} ${restarts} ${startedAtMs}`).sort();
  };
  const lookAtAll = async () => {
    for (const { engine, nodeName } of cluster.dockerAgents) await containers.look(engine, nodeName);
    return seen();
  };
  const before = await until("all containers are seen", async () => {
    const found = await lookAtAll();
    return found.length === jobs.length ? found : undefined;
  });
  const backMs: number[] = [];
  for (let done = 0; done < count; done += 1) {
    const victim = random.pick(cluster.dockerAgents);
    if (!victim) break;
    await sleep(random.between(0, LONGEST_PEACE_MS));
    await victim.engine.kill();
    const atMs = Date.now();
    await victim.engine.restart();
    backMs.push(Date.now() - atMs);
  }
  console.log(describeDistribution("dockerd-kill: until the engine answers again", backMs));
  await expectAttempts(cluster.clients, jobs);
  const after = await lookAtAll();
  if (after.join() !== before.join()) throw new Error(`containers were touched: ${before.join()}; ${after.join()}`);
  const text = `the same ${after.length} containers, processes and start times, restart count 0`;
  console.log(`dockerd-kill: ${backMs.length} kills, ${text}`);
  await workload.cancel(jobs);
}

async function untilRunning([rest]: readonly RestClient[], jobs: readonly Submission[]): Promise<void> {
  await until("all steady jobs run", async () => {
    const states = await Promise.all(jobs.map(async ({ id }) => (await rest?.job(id ?? ""))?.state));
    return states.every((state) => state === "running") ? true : undefined;
  });
}

async function expectAttempts([rest]: readonly RestClient[], jobs: readonly Submission[]): Promise<void> {
  for (const { id, name } of jobs) {
    const job = await rest?.job(id ?? "");
    if (job?.state !== "running" || job.attempt !== 1) throw new Error(`${name} was touched: ${JSON.stringify(job)}`);
  }
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
