import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AllocationKey, allocationName, asDeviceId, asJobId } from "../../../base/ids.ts";
import { silentLogger } from "../../../base/logger.ts";
import { launchSpec } from "../../../test/support/allocation-log.ts";
import type { AllocationState, Executor, FoundAllocation, LaunchSpec, ReadLogOptions } from "../executor.ts";
import { AttemptFiles } from "./attempt-files.ts";
import { identifyChild, isAlive, type ProcessId } from "./proc-fs.ts";
import { createProcessExecutor } from "./process-executor.ts";

const WAIT = { timeout: 15_000, interval: 20 };

interface Agent {
  readonly executor: Executor;
  readonly found: readonly FoundAllocation[];
  /** Every state that was told, in order. */
  readonly told: Map<string, AllocationState[]>;
}

let dataDir: string;
let agents: Agent[];
let children: ChildProcess[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "process-executor-"));
  agents = [];
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  for (const { executor } of agents) await executor.close();
  if (existsSync(join(dataDir, "runner.pid"))) await killRunner();
  for (const pid of await livingJobs()) process.kill(Number(pid), "SIGKILL");
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

async function startAgent(): Promise<Agent> {
  const told = new Map<string, AllocationState[]>();
  const executor = await createProcessExecutor({
    agentId: "agent-a",
    dataDir,
    minFreeDisk: { bytes: 0, share: undefined },
    log: silentLogger,
    onChange: (key, state) => void told.set(allocationName(key), [...(told.get(allocationName(key)) ?? []), state]),
  });
  const agent: Agent = { executor, told, found: [] };
  agents.push(agent);
  return { ...agent, found: await executor.recover() };
}

function keyOf(job: number): AllocationKey {
  return { jobId: asJobId(`job-${job}`), attempt: 1, rank: 0 };
}

function specOf(job: number, script: string | undefined, more: Partial<LaunchSpec> = {}): LaunchSpec {
  return launchSpec({ key: keyOf(job), gpus: 1, script, ...more });
}

function latest(agent: Agent, job: number): AllocationState | undefined {
  const name = allocationName(keyOf(job));
  const found = agent.found.find(({ key }) => allocationName(key) === name);
  return agent.told.get(name)?.at(-1) ?? found?.state;
}

async function untilPhase(agent: Agent, job: number, phase: AllocationState["phase"]): Promise<AllocationState> {
  await expect.poll(() => latest(agent, job)?.phase, WAIT).toBe(phase);
  return latest(agent, job) as AllocationState;
}

async function endOf(agent: Agent, job: number): Promise<unknown> {
  const state = await untilPhase(agent, job, "ended");
  return state.phase === "ended" ? state.end : undefined;
}

function exited(exitCode: number | undefined, signal: number | undefined, message: string): unknown {
  return { kind: "exited", exitCode, signal, outOfMemory: false, message };
}

async function output(agent: Agent, job: number, options: Partial<ReadLogOptions> = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  const all = { follow: false, tailLines: undefined, stream: undefined, signal: new AbortController().signal };
  for await (const chunk of agent.executor.readLog(keyOf(job), { ...all, ...options })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The leader of a running job, from its record. */
async function processOf(job: number): Promise<ProcessId> {
  const status = await new AttemptFiles(dataDir).readStatus(allocationName(keyOf(job)));
  if (status?.state.phase !== "running") throw new Error(`job ${job} is not recorded as running`);
  return status.state.process;
}

/** The processes that work in an attempt's directory. */
async function livingJobs(): Promise<string[]> {
  const living: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "");
    if (cwd.startsWith(dataDir)) living.push(pid);
  }
  return living;
}

async function runnerPid(): Promise<number> {
  return Number(await readFile(join(dataDir, "runner.pid"), "utf8"));
}

async function killRunner(): Promise<void> {
  process.kill(await runnerPid(), "SIGKILL");
}

/** An agent in a process of its own, which launches these scripts as jobs 1 and on; returns when all of them run. */
async function startAgentProcess(scripts: readonly string[]): Promise<ChildProcess> {
  const program = `
    import { createProcessExecutor } from ${JSON.stringify(join(import.meta.dirname, "process-executor.ts"))};
    import { silentLogger } from ${JSON.stringify(join(import.meta.dirname, "../../../base/logger.ts"))};
    const specs = JSON.parse(process.argv[2]);
    const running = new Set();
    const onChange = (key, state) => {
      if (state.phase === "running") running.add(key.jobId);
      if (running.size === specs.length) console.log("all running");
    };
    const executor = await createProcessExecutor({ agentId: "agent-a", dataDir: process.argv[3], minFreeDisk: { bytes: 0 }, log: silentLogger, onChange });
    await executor.recover();
    for (const spec of specs) executor.launch(spec);
  `;
  await writeFile(join(dataDir, "agent.mjs"), program);
  const specs = scripts.map((script, index) => specOf(index + 1, script));
  const args = [join(dataDir, "agent.mjs"), JSON.stringify(specs), dataDir];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [said]: unknown[] = await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  expect(String(said)).toContain("all running");
  return child;
}

async function killAgentProcess(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

test("exit codes arrive exactly, and signals as what they are", async () => {
  const agent = await startAgent();
  const rows: [string, unknown][] = [
    ["exit 0", exited(0, undefined, "")],
    ["exit 1", exited(1, undefined, "")],
    ["exit 137", exited(137, undefined, "")],
    ["exit 255", exited(255, undefined, "")],
    ["kill -TERM $$", exited(143, 15, "killed by SIGTERM")],
    ["kill -KILL $$", exited(137, 9, "killed by SIGKILL")],
    ["kill -SEGV $$", exited(139, 11, "killed by SIGSEGV")],
  ];
  for (const [index, [script]] of rows.entries()) agent.executor.launch(specOf(index, script));
  for (const [index, [, end]] of rows.entries()) expect(await endOf(agent, index)).toEqual(end);
  expect(agent.told.get(allocationName(keyOf(0)))?.map(({ phase }) => phase)).toEqual(["running", "ended"]);
});

test("a job sees its own environment and working directory, and nothing of the agent's", async () => {
  process.env.SECRET_OF_THE_AGENT = "1";
  const agent = await startAgent();
  agent.executor.launch(specOf(1, "env | sort; pwd; echo oops >&2", { environment: { GREETING: "hello  world" } }));
  await untilPhase(agent, 1, "ended");
  delete process.env.SECRET_OF_THE_AGENT;
  const text = await output(agent, 1, { stream: "stdout" });
  const names = [...text.matchAll(/^(\w+)=/gm)].map(([, name]) => name);
  expect(names.filter((name) => name !== "_" && name !== "OLDPWD")).toEqual([
    "GREETING",
    "HOME",
    "LANG",
    "PATH",
    "PWD",
  ]);
  expect(text).toContain("GREETING=hello  world\n");
  expect(text.trim().split("\n").at(-1)).toBe(join(dataDir, "attempts", "job-1-1-0", "work"));
  expect(await output(agent, 1, { stream: "stderr" })).toBe("oops\n");
});

test.each<[string, Partial<LaunchSpec>, string]>([
  ["there is no such program", { command: ["foo"] }, 'cannot start "foo": no such file or directory'],
  ["it is no program", { command: ["/etc/passwd"] }, 'cannot start "/etc/passwd": permission denied'],
  ["nothing is to be run", { args: ["-x"] }, "a process needs a command or a script"],
])("it is the user's to correct when %s", async (_, how, message) => {
  const agent = await startAgent();
  agent.executor.launch(specOf(1, undefined, how));
  expect(await endOf(agent, 1)).toEqual({ kind: "bad-request", message });
});

test("a stopped job may use its grace, and one that ignores SIGTERM is killed after it", async () => {
  const agent = await startAgent();
  agent.executor.launch(specOf(1, "trap 'echo saving; exit 7' TERM; echo ready; while :; do sleep 0.05; done"));
  agent.executor.launch(specOf(2, "trap '' TERM; echo ready; while :; do sleep 0.05; done"));
  for (const job of [1, 2]) await expect.poll(() => output(agent, job).catch(() => ""), WAIT).toBe("ready\n");
  agent.executor.stop(keyOf(1), 60_000, "test");
  agent.executor.stop(keyOf(2), 60_000, "test");
  expect(await endOf(agent, 1)).toEqual(exited(7, undefined, ""));
  await expect.poll(() => latest(agent, 2), WAIT).toMatchObject({ phase: "running", stopping: true });
  agent.executor.stop(keyOf(2), 100, "test: only shorter");
  agent.executor.stop(keyOf(2), 60_000, "test: never longer");
  expect(await endOf(agent, 2)).toEqual(exited(137, 9, "killed by SIGKILL"));
  expect(await output(agent, 1, { stream: "stdout" })).toBe("ready\nsaving\n");
});

test("what a job leaves behind is killed before its end is told", async () => {
  const agent = await startAgent();
  agent.executor.launch(specOf(1, "(trap '' TERM HUP; sleep 600) & (sleep 600) & exit 0"));
  await untilPhase(agent, 1, "ended");
  expect(await livingJobs()).toEqual([]);
});

test("jobs survive the agent's death, and their exit codes are known afterwards", async () => {
  const child = await startAgentProcess([
    "while [ ! -e go ]; do sleep 0.05; done; exit 5",
    "while [ ! -e go ]; do sleep 0.05; done; kill -KILL $$",
    "exec sleep 600",
  ]);
  const before = await processOf(3);
  await killAgentProcess(child);
  for (const job of [1, 2]) await writeFile(join(dataDir, "attempts", `job-${job}-1-0`, "work", "go"), "");
  await expect.poll(async () => (await livingJobs()).map(Number), WAIT).toEqual([before.pid]);

  const agent = await startAgent();
  expect(
    agent.found.map(({ deviceIds, graceMs, requeueOnNodeLost }) => [deviceIds, graceMs, requeueOnNodeLost]),
  ).toEqual([1, 2, 3].map(() => [["gpu-1"], 10_000, true]));
  expect(await endOf(agent, 1)).toEqual(exited(5, undefined, ""));
  expect(await endOf(agent, 2)).toEqual(exited(137, 9, "killed by SIGKILL"));
  expect(latest(agent, 3)).toMatchObject({ phase: "running", stopping: false });
  expect(await processOf(3)).toEqual(before);
  agent.executor.launch(specOf(3, "echo again"));
  agent.executor.stop(keyOf(3), 5_000, "test");
  expect(await endOf(agent, 3)).toEqual(exited(143, 15, "killed by SIGTERM"));
  expect(await output(agent, 3)).toBe("");
});

test("jobs survive the runner's death: they are watched and can be stopped, but their exit codes are lost", async () => {
  const agent = await startAgent();
  agent.executor.launch(specOf(1, "sleep 600 & sleep 600"));
  agent.executor.launch(specOf(2, "while [ ! -e go ]; do sleep 0.05; done; exit 3"));
  for (const job of [1, 2]) await untilPhase(agent, job, "running");
  const before = await processOf(1);
  const firstRunner = await runnerPid();
  await killRunner();
  await expect.poll(runnerPid, WAIT).not.toBe(firstRunner);
  await expect.poll(async () => (await agent.executor.health()).ready, WAIT).toBe(true);
  expect(await isAlive(before)).toBe(true);
  await writeFile(join(dataDir, "attempts", "job-2-1-0", "work", "go"), "");
  agent.executor.stop(keyOf(1), 5_000, "test");
  const lost = exited(undefined, undefined, "its exit code was lost with the process that watched it");
  for (const job of [1, 2]) expect(await endOf(agent, job)).toEqual(lost);
  expect(await livingJobs()).toEqual([]);
  agent.executor.launch(specOf(3, "exit 4"));
  expect(await endOf(agent, 3)).toEqual(exited(4, undefined, ""));
});

test("what was running before a reboot has ended with the node", async () => {
  const files = new AttemptFiles(dataDir);
  const name = allocationName(keyOf(1));
  await files.create(name);
  const state = { phase: "running", process: { pid: process.pid, startTicks: 1 }, startedAtMs: 1_000 } as const;
  const summary = { deviceIds: [asDeviceId("gpu-1")], graceMs: 0, requeueOnNodeLost: true };
  await files.writeStatus({ version: 1, name, ...summary, bootId: "another boot", state });
  const agent = await startAgent();
  expect(await endOf(agent, 1)).toEqual({ kind: "node", message: "the node was rebooted" });
});

test("a launch that was interrupted has ended, and nothing of it is left running", async () => {
  const workDir = new AttemptFiles(dataDir).workDir(allocationName(keyOf(1)));
  await new AttemptFiles(dataDir).create(allocationName(keyOf(1)));
  children.push(spawn("sleep", ["600"], { cwd: workDir, stdio: "ignore" }));
  const agent = await startAgent();
  expect(await endOf(agent, 1)).toEqual({ kind: "node", message: "its start was interrupted" });
  expect(await livingJobs()).toEqual([]);
});

test("output survives the release, can be followed until the end, and is not known of other jobs", async () => {
  const agent = await startAgent();
  agent.executor.launch(specOf(1, "for i in 1 2 3; do echo line $i; sleep 0.1; done; echo warning >&2"));
  expect(await output(agent, 1, { follow: true })).toBe("line 1\nline 2\nline 3\nwarning\n");
  await untilPhase(agent, 1, "ended");
  await agent.executor.release(keyOf(1));
  await agent.executor.release(keyOf(1));
  expect(await readdir(join(dataDir, "attempts"))).toEqual([]);
  expect(await output(agent, 1, { tailLines: 2 })).toBe("line 3\nwarning\n");
  await expect(output(agent, 2)).rejects.toThrow("no output of this job is kept on this node");
});

test("a job that has not ended cannot be released", async () => {
  const agent = await startAgent();
  agent.executor.launch(specOf(1, "sleep 600"));
  await untilPhase(agent, 1, "running");
  await expect(agent.executor.release(keyOf(1))).rejects.toThrow("it has not ended");
  expect(await output(agent, 1)).toBe("");
});

test("fifty launches at once, each of them twice, run once each", async () => {
  const agent = await startAgent();
  const jobs = Array.from({ length: 50 }, (_, index) => index + 1);
  for (const job of [...jobs, ...jobs]) agent.executor.launch(specOf(job, `echo ${job}; exit ${job}`));
  for (const job of jobs) {
    expect(await endOf(agent, job)).toEqual(exited(job, undefined, ""));
    expect(await output(agent, job)).toBe(`${job}\n`);
  }
});

test("what is launched and stopped while there is no runner is carried out by the next one", async () => {
  const agent = await startAgent();
  agent.executor.launch(specOf(1, "exec sleep 600"));
  await untilPhase(agent, 1, "running");
  await killRunner();
  for (const job of [2, 3, 4]) agent.executor.launch(specOf(job, `echo ${job}; exit ${job}`));
  agent.executor.stop(keyOf(1), 5_000, "test");
  for (const job of [2, 3, 4]) {
    expect(await endOf(agent, job)).toEqual(exited(job, undefined, ""));
    expect(await output(agent, job)).toBe(`${job}\n`);
  }
  expect(await endOf(agent, 1)).toMatchObject({ kind: "exited", exitCode: undefined });
});

test("two agents on one directory never have two runners, and the older one says that it was replaced", async () => {
  const older = await startAgent();
  older.executor.launch(specOf(1, "sleep 600"));
  await untilPhase(older, 1, "running");
  const runner = await runnerPid();
  const newer = await startAgent();
  expect(await runnerPid()).toBe(runner);
  expect(latest(newer, 1)?.phase).toBe("running");
  await expect.poll(() => older.executor.health(), WAIT).toMatchObject({ ready: false, message: /another agent/ });
  expect(await newer.executor.health()).toEqual({ ready: true, message: "" });
});

test("a runner that nobody needs ends by itself", { timeout: 60_000 }, async () => {
  const agent = await startAgent();
  agent.executor.launch(specOf(1, "exit 0"));
  await untilPhase(agent, 1, "ended");
  const runner = await runnerPid();
  await agent.executor.close();
  await expect.poll(() => existsSync(`/proc/${runner}/cwd`), { timeout: 40_000, interval: 200 }).toBe(false);
});

test("what an executor has is told, and only of an attempt that is over anything is reaped", async () => {
  const { executor } = await startAgent();
  executor.launch(specOf(1, "sleep 1000"));
  await expect.poll(() => agents[0]?.told.get(allocationName(keyOf(1)))?.at(-1)?.phase, WAIT).toBe("running");
  const [occupant, ...others] = await executor.occupants();
  if (!occupant) throw new Error("it has nothing");
  expect(others).toEqual([]);
  expect(occupant).toMatchObject({ kind: "session", agentId: "agent-a", key: keyOf(1), isRunning: true });
  const [pid = 0, startTicks = 0] = occupant.id.split(":").map(Number);
  const process = { pid, startTicks };
  expect(await executor.reap(occupant, [process])).toBe(false);
  expect(await isAlive(process)).toBe(true);

  executor.stop(keyOf(1), 0, "test");
  await expect.poll(() => agents[0]?.told.get(allocationName(keyOf(1)))?.at(-1)?.phase, WAIT).toBe("ended");
  expect(await executor.occupants()).toEqual([{ ...occupant, isRunning: false }]);
  const stranger = spawn("sleep", ["1000"], { stdio: "ignore" });
  children.push(stranger);
  await once(stranger, "spawn");
  const { pid: strangerPid = 0 } = stranger;
  expect(await executor.reap(occupant, [process, identifyChild(strangerPid)])).toBe(false);
  expect(await executor.reap({ ...occupant, agentId: "agent-b" }, [])).toBe(false);
  expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
});
