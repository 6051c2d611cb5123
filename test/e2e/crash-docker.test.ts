/** As crash.test.ts, with jobs in the containers of a real Docker Engine: they outlive the program, and it finds them again. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { startDev } from "../support/dev-process.ts";
import { type DockerEngine, startDockerEngine, TEST_IMAGE } from "../support/docker-engine.ts";
import { Random } from "../support/random.ts";
import { type JobStatus, RestClient } from "../support/rest-client.ts";

const ROUNDS = Number(process.env["GPUSCHED_CRASH_DOCKER_ROUNDS"] ?? 4);
const SEED = Number(process.env["GPUSCHED_CRASH_SEED"] ?? Date.now() % 2 ** 31);
const JOBS_A_ROUND = 6;
const GPUS = 4;
const ROUND_TIMEOUT_MS = 90_000;
const patience = { timeout: 120_000, interval: 100 };

/** Containers share the host's clock of seconds since its start. */
const SCRIPT = `
echo "start $JOB_NAME $GPUSCHED_ATTEMPT $(cut -d ' ' -f 1 /proc/uptime)"
sleep "$RUN_SECONDS"
echo "end $JOB_NAME $GPUSCHED_ATTEMPT $(cut -d ' ' -f 1 /proc/uptime)"
exit "$EXIT_CODE"
`;

interface Submission {
  readonly name: string;
  readonly exitCode: number;
  /** Once it is acknowledged. */
  id: string | undefined;
  isCancelled: boolean;
}

/** When a job had its GPUs, by its own word. */
interface Use {
  readonly name: string;
  readonly gpus: readonly string[];
  readonly from: number;
  readonly to: number;
}

const services = new ServiceStack();
/** Names of the containers that were started, by the engine's word. */
const starts: string[] = [];
const random = new Random(SEED);
const submissions: Submission[] = [];
let engine: DockerEngine;
let dataDir: string;

beforeAll(async () => {
  engine = await startDockerEngine();
  services.add({ close: () => engine.stop() });
  const watching = new AbortController();
  services.add({ close: async () => watching.abort() });
  await watchStarts(watching.signal);
  const directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-crash-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  dataDir = join(directory, "data");
});

afterAll(() => services.close());

let processes = new ServiceStack();
afterEach(async () => {
  await processes.close();
  processes = new ServiceStack();
});

/** From now on, until the signal aborts. */
async function watchStarts(abortSignal: AbortSignal): Promise<void> {
  const events = await engine.docker.getEvents({ filters: { type: ["container"], event: ["start"] }, abortSignal });
  const lines = createInterface({ input: events });
  lines.on("line", (line) => {
    const { Actor } = JSON.parse(line) as { Actor: { Attributes: { name: string } } };
    starts.push(Actor.Attributes.name);
  });
  // A signal that aborts is an error to the stream, and to those who read it.
  lines.on("error", () => {});
  events.on("error", () => lines.close());
}

async function start() {
  const executor = ["--executor", "docker", "--docker-socket", engine.socketPath];
  const flags = [...executor, "--simulate-gpus", String(GPUS), "--rate-limit", "1000000"];
  return processes.add(await startDev({ dataDir, flags }));
}

/** Submits, and cancels one in four, until nobody answers. */
async function work(rest: RestClient): Promise<void> {
  for (let job = 0; job < JOBS_A_ROUND; job++) {
    const submission = newSubmission();
    const answer = await rest.ask("POST", "/jobs", bodyOf(submission));
    if (answer?.status !== 201) return;
    submission.id = (JSON.parse(answer.text) as { job_id: string }).job_id;
    const old =
      random.next() < 0.25 ? random.pick(submissions.filter(({ id, isCancelled }) => id && !isCancelled)) : undefined;
    if (old) old.isCancelled = (await rest.ask("DELETE", `/jobs/${old.id}`))?.status === 200;
  }
}

function newSubmission(): Submission {
  const exitCode = random.next() < 0.5 ? 0 : random.between(1, 125);
  const submission: Submission = {
    name: `crash-${submissions.length + 1}`,
    exitCode,
    id: undefined,
    isCancelled: false,
  };
  submissions.push(submission);
  return submission;
}

function bodyOf({ name, exitCode }: Submission): Record<string, unknown> {
  const environment = { JOB_NAME: name, EXIT_CODE: String(exitCode), RUN_SECONDS: (random.next() * 3).toFixed(2) };
  const gpu_count = random.between(0, 2);
  return {
    tenant_id: "tenant-123",
    name,
    gpu_count,
    image: TEST_IMAGE,
    script: SCRIPT,
    environment,
    preemption_grace_seconds: 1,
  };
}

async function expectNothingLost(rest: RestClient): Promise<void> {
  const ids = new Map((await rest.allJobs()).map(({ id, name }) => [name, id]));
  for (const { id, name } of submissions) if (id) expect(ids.get(name), `${name} is lost`).toBe(id);
}

/** When it had its GPUs; undefined for a job that was cancelled. */
async function expectTrueEnd(rest: RestClient, job: JobStatus, submission: Submission): Promise<Use | undefined> {
  if (job.state === "cancelled") {
    expect(startsOf(job).length).toBeLessThanOrEqual(1);
    return undefined;
  }
  expect(submission.isCancelled, `${job.name} was to be cancelled`).toBe(false);
  const { exitCode } = submission;
  const { attempt } = job;
  expect(job).toMatchObject({ state: exitCode === 0 ? "completed" : "failed", exit_code: exitCode });
  // A container may have been made and not yet started when the program died: that attempt never ran.
  expect(startsOf(job), JSON.stringify(job)).toEqual([`gpusched-${job.job_id}-${attempt}-0`]);
  const log = await rest.text("GET", `/jobs/${job.job_id}/logs`);
  const times = new RegExp(`^start ${job.name} ${attempt} ([\\d.]+)\\nend ${job.name} ${attempt} ([\\d.]+)\\n$`).exec(
    log,
  );
  expect(times, log).not.toBeNull();
  return { name: job.name, gpus: job.allocated_gpus, from: Number(times?.[1]), to: Number(times?.[2]) };
}

function startsOf({ job_id }: JobStatus): string[] {
  return starts.filter((name) => name.startsWith(`gpusched-${job_id}-`));
}

function expectNoGpuUsedTwice(uses: readonly Use[]): void {
  for (const [index, one] of uses.entries()) {
    for (const other of uses.slice(index + 1)) {
      const areTogether = one.from < other.to && other.from < one.to;
      const shared = one.gpus.filter((gpu) => other.gpus.includes(gpu));
      expect(areTogether ? shared : [], `GPUs of ${one.name} and ${other.name} at once`).toEqual([]);
    }
  }
}

test(
  `nothing acknowledged is lost in ${ROUNDS} rounds of kill -9, and containers are adopted`,
  async () => {
    console.log(`GPUSCHED_CRASH_SEED=${SEED} GPUSCHED_CRASH_DOCKER_ROUNDS=${ROUNDS}`);
    for (let round = 0; round < ROUNDS; round++) {
      const dev = await start();
      const rest = new RestClient(dev.url);
      await expectNothingLost(rest);
      const working = work(rest);
      // Now amid submissions and starts, now while containers run and end.
      await sleep(random.between(0, round % 2 === 0 ? 4_000 : 200));
      await dev.kill();
      await working;
    }
    const last = await start();
    const rest = new RestClient(last.url);
    await expectNothingLost(rest);
    const uses: Use[] = [];
    for (const { id, name } of await rest.allJobs()) {
      const job = await rest.jobWhen(id, ({ phase }) => phase === "finished");
      const submission = submissions.find((each) => each.name === name) ?? expect.unreachable();
      const use = await expectTrueEnd(rest, job, submission);
      if (use) uses.push(use);
    }
    console.log({ submitted: submissions.length, ended: uses.length });
    expect(uses.length).toBeGreaterThan(0);
    expectNoGpuUsedTwice(uses);
    const status = () => rest.json("GET", "/cluster/status");
    await expect.poll(status, patience).toMatchObject({ available_gpus: GPUS, running_jobs: 0, pending_jobs: 0 });
    await expect.poll(() => engine.docker.listContainers({ all: true }), patience).toEqual([]);
    expect(await last.stop()).toBe(0);
  },
  ROUND_TIMEOUT_MS * (ROUNDS + 2),
);

test("a container that ends while nothing of the program is alive has its true exit code, and its output is whole", async () => {
  const before = await start();
  const script = "trap 'echo bye; exit 7' TERM; echo begun; while :; do sleep 0.1; done";
  const job = { tenant_id: "tenant-123", name: "lonely", gpu_count: 2, image: TEST_IMAGE, script };
  const id = await new RestClient(before.url).submit(job);
  const running = await new RestClient(before.url).jobWhen(id, ({ state }) => state === "running");
  await expect.poll(() => new RestClient(before.url).text("GET", `/jobs/${id}/logs`), patience).toBe("begun\n");
  await before.kill();
  const [container] = await engine.docker.listContainers();
  const lonely = engine.docker.getContainer(container?.Id ?? "none");
  await lonely.kill({ signal: "SIGTERM" });
  await lonely.wait();

  const after = await start();
  const rest = new RestClient(after.url);
  const ended = await rest.jobWhen(id, ({ phase }) => phase === "finished");
  expect(ended).toMatchObject({ state: "failed", exit_code: 7, attempt: 1, allocated_gpus: running.allocated_gpus });
  expect(await rest.text("GET", `/jobs/${id}/logs`)).toBe("begun\nbye\n");
  await expect.poll(() => engine.docker.listContainers({ all: true }), patience).toEqual([]);
});
