/** `npm run demo`: starts the whole system, runs one job through the REST API before your eyes, and leaves the system running. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { delay } from "../base/abort.ts";
import { messageOf } from "../base/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../base/time.ts";
import { packageRoot } from "../base/version.ts";

const JOB_DEADLINE_MS = 2 * MINUTE_MS;
const ANSWER_DEADLINE_MS = 10 * SECOND_MS;
const POLL_MS = 200;
const ENDED = ["completed", "failed", "cancelled"];

const SCRIPT = `echo "job $GPUSCHED_JOB_ID runs on $GPUSCHED_NODE_NAME"
echo "its GPUs are $CUDA_VISIBLE_DEVICES"
for step in 1 2 3 4 5; do
  echo "step $step of 5"
  sleep 1
done`;

interface JobStatus {
  readonly state: string;
  readonly message: string;
  readonly allocated_gpus: readonly string[];
  readonly queue_position: number;
}

const args = process.argv.slice(2);
process.exit(
  await demo(
    args.filter((arg) => arg !== "--once"),
    args.includes("--once"),
  ),
);

async function demo(devArgs: readonly string[], stopAfterwards: boolean): Promise<number> {
  say("starting gpusched; jobs run as plain processes here, so that no image and no Docker is needed");
  const service = startService(devArgs);
  const interrupted = forwardSignals(service);
  const ended = endOf(service);
  const api = await apiOf(service);
  if (api === undefined) {
    await ended;
    // It has said why itself, and for a port that is taken which option chooses another.
    if (!interrupted.aborted) say("gpusched did not start. Options are given as in: npm run demo -- OPTIONS");
    return 1;
  }
  const completed = await showJob(api, interrupted).catch((error: unknown) => {
    if (!interrupted.aborted) say(`the demo failed: ${messageOf(error)}`);
    return false;
  });
  if (completed && !stopAfterwards && !interrupted.aborted) printNextSteps(api);
  else service.kill("SIGTERM");
  const code = await ended;
  return completed ? code : 1;
}

/** In a session of its own, so that Ctrl-C reaches it once, through this process. */
function startService(devArgs: readonly string[]): ChildProcess {
  const program = join(packageRoot, "bin/gpusched");
  const flags = ["dev", "--executor", "process", "--log-level", "warn", ...devArgs];
  return spawn(program, flags, { stdio: ["ignore", "pipe", "inherit"], detached: true });
}

function forwardSignals(service: ChildProcess): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      interrupted.abort();
      service.kill(signal === "SIGHUP" ? "SIGTERM" : signal);
    });
  }
  return interrupted.signal;
}

async function endOf(service: ChildProcess): Promise<number> {
  try {
    const [code] = await once(service, "exit");
    return typeof code === "number" ? code : 1;
  } catch (error) {
    say(`cannot start ${service.spawnfile}: ${messageOf(error)}`);
    return 1;
  }
}

/** Shows what the service prints; resolves with the URL of its API once it is ready, or with undefined when it ended before. */
function apiOf(service: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    if (!service.stdout) return resolve(undefined);
    let api: string | undefined;
    const lines = createInterface({ input: service.stdout });
    lines.on("line", (line) => {
      console.log(line);
      api ??= /REST API\s+(http\S+)/.exec(line)?.[1];
      if (line === "ready") resolve(api);
    });
    lines.on("close", () => resolve(undefined));
  });
}

/** @returns whether the job completed */
async function showJob(api: string, interrupted: AbortSignal): Promise<boolean> {
  const tenant = await call<{ id: string }>("POST", `${api}/tenants`, {
    name: "demo",
    max_gpus: 4,
    priority_tier: "high",
  });
  say(`created tenant ${tenant.id}`);
  const { job_id: id } = await call<{ job_id: string }>("POST", `${api}/jobs`, {
    tenant_id: tenant.id,
    name: "two-gpu-demo",
    gpu_count: 2,
    script: SCRIPT,
    max_runtime_minutes: 1,
  });
  say(`submitted ${id}, which asks for 2 GPUs`);
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(JOB_DEADLINE_MS)]);
  const [state] = await Promise.all([showStates(`${api}/jobs/${id}`, signal), showLog(`${api}/jobs/${id}`, signal)]);
  return state === "completed";
}

/** Prints every change until the job ended; resolves with its last state. */
async function showStates(job: string, signal: AbortSignal): Promise<string> {
  let shown = "";
  for (;;) {
    const status = await call<JobStatus>("GET", job);
    const line = describe(status);
    if (line !== shown) say(line);
    shown = line;
    if (ENDED.includes(status.state)) return status.state;
    await delay(POLL_MS, signal);
    if (signal.aborted) throw new Error(`the job did not end within ${JOB_DEADLINE_MS / SECOND_MS} s: ${line}`);
  }
}

function describe(status: JobStatus): string {
  const place = status.queue_position > 0 ? `, number ${status.queue_position} in the queue` : "";
  const gpus = status.state === "running" ? ` on ${status.allocated_gpus.join(" and ")}` : "";
  return `job is ${status.state}${place}${gpus}${status.message && `: ${status.message}`}`;
}

/** Prints the job's output as it comes, from its start to its end. */
async function showLog(job: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { state } = await call<JobStatus>("GET", job);
    if (state !== "pending") break;
    await delay(POLL_MS, signal);
  }
  const response = await fetch(`${job}/logs?follow=true`, { signal });
  if (!response.ok || !response.body) return say(`there is no log: ${response.status} ${await response.text()}`);
  const lines = createInterface({ input: Readable.fromWeb(response.body) });
  for await (const line of lines) console.log(`    | ${line}`);
}

async function call<T>(method: string, url: string, body?: object): Promise<T> {
  const response = await fetch(url, {
    method,
    headers: { "content-type": "application/json" },
    signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

function printNextSteps(api: string): void {
  say("gpusched goes on running; Ctrl-C stops it. Try in another terminal:");
  const job = { tenant_id: "tenant-123", name: "hello", gpu_count: 1, script: "echo hello from $CUDA_VISIBLE_DEVICES" };
  console.log(`
  curl -X POST ${api}/jobs -H 'Content-Type: application/json' -d '${JSON.stringify(job)}'
  curl '${api}/jobs?limit=5'
  curl ${api}/cluster/status
`);
}

function say(text: string): void {
  console.log(`demo: ${text}`);
}
