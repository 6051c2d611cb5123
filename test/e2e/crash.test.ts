/**
 * `kill -9` of the one process at any moment, then a restart on the same directory: no acknowledged job or state is lost, running
 * jobs are adopted and finish with their true exit code, and no device is given out twice.
 *
 * `GPUSCHED_CRASH_ROUNDS` sets how often it is killed, `GPUSCHED_CRASH_SEED` repeats a run.
 */
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { CrashWorkload, MAX_GPUS } from "../support/crash-workload.ts";
import { type DevProcess, killJobs, startDev } from "../support/dev-process.ts";
import { Random } from "../support/random.ts";
import { RestClient } from "../support/rest-client.ts";
import { killGroup, startRole } from "../support/role-process.ts";

const ROUNDS = Number(process.env["GPUSCHED_CRASH_ROUNDS"] ?? 12);
const SEED = Number(process.env["GPUSCHED_CRASH_SEED"] ?? Date.now() % 2 ** 31);
const ROUND_TIMEOUT_MS = 60_000;
const JOBS_A_ROUND = 30;
const FLAGS = ["--executor", "process", "--simulate-gpus", String(MAX_GPUS), "--rate-limit", "1000000"];
const patience = { timeout: 60_000, interval: 50 };

let services: ServiceStack;
let dataDir: string;
/** Where jobs write; in their environment, so that their processes can be found. */
let jobsDir: string;

beforeEach(async () => {
  services = new ServiceStack();
  const directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-crash-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  dataDir = join(directory, "data");
  jobsDir = join(directory, "jobs");
  await mkdir(jobsDir);
  services.add({ close: () => killJobs(dataDir) });
});

afterEach(() => services.close());

async function start(): Promise<DevProcess> {
  return services.add(await startDev({ dataDir, flags: FLAGS }));
}

async function whenOnline(rest: RestClient): Promise<void> {
  const online = async () => (await rest.json<{ online_nodes: number }>("GET", "/cluster/status")).online_nodes;
  await expect.poll(online, patience).toBe(1);
}

/** Processes with this text in their command line or environment. */
function processesWith(text: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return ["cmdline", "environ"].some((file) => readFileSync(`/proc/${pid}/${file}`, "latin1").includes(text));
    } catch {
      return false;
    }
  });
}

/** Everything is free, and nothing of any job is left but its output. */
async function expectNothingLeft(rest: RestClient): Promise<void> {
  await expect
    .poll(() => rest.json("GET", "/cluster/status"), patience)
    .toMatchObject({
      available_gpus: MAX_GPUS,
      pending_jobs: 0,
      running_jobs: 0,
    });
  await expect.poll(() => readdir(join(dataDir, "agent/attempts")), patience).toEqual([]);
  expect(processesWith(jobsDir)).toEqual([]);
}

/** One life of the program, from its start to its violent end. */
type Life = (workload: CrashWorkload, random: Random) => Promise<void>;

const killedAtWork: Life = async (workload, random) => {
  const dev = await start();
  const rest = new RestClient(dev.url);
  await workload.expectNothingLost(rest);
  const working = workload.run(dev.url, JOBS_A_ROUND);
  await sleep(random.between(0, 2_000));
  await dev.kill();
  await working;
};

const killedInABurst: Life = async (workload, random) => {
  const dev = await start();
  await workload.expectNothingLost(new RestClient(dev.url));
  const bursting = workload.burst(dev.url, JOBS_A_ROUND);
  await sleep(random.between(0, 60));
  killGroup(dev.pid);
  await dev.kill();
  await bursting;
};

/** Whoever acknowledges before it is durable is caught here. */
const killedByAnAcknowledgement: Life = async (workload, random) => {
  const dev = await start();
  await workload.expectNothingLost(new RestClient(dev.url));
  let left = random.between(1, 5);
  await workload.burst(dev.url, JOBS_A_ROUND, () => {
    left -= 1;
    if (left === 0) killGroup(dev.pid);
  });
  await dev.kill();
};

const killedWhileStarting: Life = async (_, random) => {
  const ports = ["--http-port", "0", "--grpc-port", "0"];
  const early = services.add(startRole("dev", "--data-dir", dataDir, ...ports, ...FLAGS));
  await sleep(random.between(0, 1_500));
  await early.kill();
};

test(
  `nothing acknowledged is lost in ${ROUNDS} rounds of kill -9`,
  async () => {
    console.log(`GPUSCHED_CRASH_SEED=${SEED} GPUSCHED_CRASH_ROUNDS=${ROUNDS}`);
    const random = new Random(SEED);
    const workload = new CrashWorkload(jobsDir, random);
    const lives = [killedAtWork, killedByAnAcknowledgement, killedInABurst, killedWhileStarting];
    for (let round = 0; round < ROUNDS; round++) await lives[round % lives.length]?.(workload, random);

    const last = await start();
    const rest = new RestClient(last.url);
    await workload.expectTrueEnds(rest);
    await expectNothingLeft(rest);
    console.log(workload.counts);
    expect(workload.counts.acknowledged).toBeGreaterThan(0);
    expect(await last.stop()).toBe(0);
    // What watched the jobs ends by itself when there is nothing left to watch.
    await expect.poll(() => processesWith(dataDir), patience).toEqual([]);
  },
  ROUND_TIMEOUT_MS * (ROUNDS + 4),
);

test("a job that ends while nothing of the program's group is alive has its true exit code, and its output is whole", async () => {
  const before = await start();
  await whenOnline(new RestClient(before.url));
  const script =
    'echo begun; while [ ! -e "$DIR/go" ]; do sleep 0.05; done; echo done; echo oops >&2; touch "$DIR/gone"; exit 7';
  const environment = { DIR: jobsDir };
  const job = { tenant_id: "tenant-123", name: "lonely", gpu_count: 2, script, environment };
  const rest = new RestClient(before.url);
  const id = await rest.submit(job);
  const running = await rest.jobWhen(id, ({ state }) => state === "running");
  killGroup(before.pid);
  await before.kill();
  await mkdir(join(jobsDir, "go"));
  await expect.poll(() => readdirSync(jobsDir), patience).toContain("gone");
  const after = new RestClient((await start()).url);
  const ended = await after.jobWhen(id, ({ phase }) => phase === "finished");
  expect(ended).toMatchObject({ state: "failed", exit_code: 7, attempt: 1, allocated_gpus: running.allocated_gpus });
  expect(await after.text("GET", `/jobs/${id}/logs?stream=stdout`)).toBe("begun\ndone\n");
  expect(await after.text("GET", `/jobs/${id}/logs?stream=stderr`)).toBe("oops\n");
  await expectNothingLeft(after);
});

test("a job whose watcher dies as well runs on and keeps its devices, and its lost exit code is not made up", async () => {
  const before = await start();
  await whenOnline(new RestClient(before.url));
  const script = 'while [ ! -e "$DIR/go" ]; do sleep 0.05; done';
  const job = { tenant_id: "tenant-123", name: "orphan", gpu_count: MAX_GPUS, script, environment: { DIR: jobsDir } };
  const id = await new RestClient(before.url).submit(job);
  await new RestClient(before.url).jobWhen(id, ({ state }) => state === "running");
  await before.kill();
  process.kill(Number(readFileSync(join(dataDir, "agent/runner.pid"), "utf8")), "SIGKILL");

  const after = new RestClient((await start()).url);
  await whenOnline(after);
  const next = await after.submit({ ...job, name: "next", script: "true" });
  expect(await after.job(id)).toMatchObject({ state: "running", attempt: 1 });
  expect(await after.job(next)).toMatchObject({ phase: "queued" });
  await mkdir(join(jobsDir, "go"));
  const ended = await after.jobWhen(id, ({ phase }) => phase === "finished");
  expect(ended).toMatchObject({ state: "failed", exit_code: null, attempt: 1 });
  expect(ended.message).toMatch(/exit code was lost/);
  await after.jobWhen(next, ({ state }) => state === "completed");
  await expectNothingLeft(after);
});
