import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { packageRoot } from "../base/version.ts";
import { StubNvml, stubGpu, whyNoStubNvml } from "../test/support/nvml/stub-nvml.ts";
import type { BenchRow } from "./report.ts";
import { withController } from "./support/controller-process.ts";
import { onExit } from "./support/on-exit.ts";
import type { BenchOptions } from "./support/options.ts";
import { stopRunner } from "./support/runner.ts";
import { inTemporaryDirectory } from "./support/temporary-directory.ts";

const DEVICES = 8;
const CONNECT_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 15_000;
/** By then it has given back what only its start needed: base/give-back. */
const SETTLE_MS = 60_000;
const MEASURE_MS = 60_000;
const MOST_MB = 80;
const MOST_CPU_PERCENT = 1;
/** Hundredths of a second. */
const TICKS_PER_S = 100;

interface Usage {
  /** All that is mapped and in memory, what others share included. */
  readonly residentMb: number;
  /** The same with what is shared divided among those who share it. */
  readonly proportionalMb: number;
  /** What nobody else has, and no file. */
  readonly anonymousMb: number;
  readonly cpuSeconds: number;
}

/** An agent that nobody has given a job: 8 devices through a stub of NVML, a heartbeat every 5 s to a real controller. */
export function benchIdleAgent({ quick }: BenchOptions): Promise<BenchRow[]> {
  if (whyNoStubNvml !== undefined) throw new Error(whyNoStubNvml);
  return inTemporaryDirectory(async (directory) => {
    const stub = await StubNvml.build();
    try {
      await stub.install({ gpus: Array.from({ length: DEVICES }, (_, index) => stubGpu(index)) });
      return await withController(join(directory, "controller"), async (controller) => {
        // The first one keeps what Node.js makes of the sources, as on any host on which it was started before.
        await withAgent(controller, directory, stub.libraryPath, () => Promise.resolve());
        return withAgent(controller, directory, stub.libraryPath, (pid) => measure(pid, directory, quick));
      });
    } finally {
      await stopRunner(directory);
      await stub.remove();
    }
  });
}

async function measure(agent: number, directory: string, quick: boolean): Promise<BenchRow[]> {
  await sleep(quick ? SETTLE_MS / 2 : SETTLE_MS);
  const runner = Number(await readFile(join(directory, "agent", "runner.pid"), "utf8"));
  const children = await childrenOf(agent);
  const pids = [agent, ...children.filter((pid) => pid !== runner)];
  const before = await usageOf(pids);
  const measuredMs = quick ? MEASURE_MS / 6 : MEASURE_MS;
  await sleep(measuredMs);
  const after = await usageOf(pids);
  const [own, ...others] = await Promise.all(pids.map((pid) => usageOf([pid])));
  const ofRunner = await usageOf([runner]);
  const parts = [own, ...others].map((usage) => usage?.residentMb.toFixed(1)).join(" + ");
  const goal = (name: string, value: number) => ({ name, value });
  const who = `agent and ${others.length} child that calls NVML, ${DEVICES} devices`;
  return [
    row("resident (RSS)", after.residentMb, goal("goal", MOST_MB), `${who}: ${parts}; what both map counts twice`),
    row(
      "proportional (PSS)",
      after.proportionalMb,
      goal("goal", MOST_MB),
      "what is shared with the other processes is divided",
    ),
    row("of its own (anonymous)", after.anonymousMb, goal("goal", MOST_MB), "what only these two have"),
    row("runner of plain processes (RSS)", ofRunner.residentMb, undefined, "beside it where jobs run without Docker"),
    {
      name: "idle agent: processor",
      value: ((after.cpuSeconds - before.cpuSeconds) / (measuredMs / 1_000)) * 100,
      unit: "% of a core",
      limit: goal("goal", MOST_CPU_PERCENT),
      note: `over ${measuredMs / 1_000} s, a heartbeat every 5 s`,
    },
  ];
}

function row(name: string, value: number, limit: BenchRow["limit"], note: string): BenchRow {
  return { name: `idle agent: memory, ${name}`, value, unit: "MB", ...(limit && { limit }), note };
}

async function withAgent<T>(
  controller: string,
  directory: string,
  library: string,
  work: (pid: number) => Promise<T>,
): Promise<T> {
  const dataDir = join(directory, "agent");
  const what = ["--controllers", controller, "--data-dir", dataDir, "--executor", "process", "--log-format", "json"];
  const child = spawn(join(packageRoot, "bin/gpusched"), ["agent", ...what, "--node-name", "idle"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, GPUSCHED_NVML_LIBRARY: library },
  });
  const exited = once(child, "exit");
  const forget = onExit(() => child.kill("SIGKILL"));
  try {
    await untilConnected(child.stderr);
    if (child.pid === undefined) throw new Error("the agent has no process");
    return await work(child.pid);
  } finally {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    await exited;
    clearTimeout(timer);
    forget();
  }
}

async function untilConnected(logLines: Readable): Promise<void> {
  const lines = createInterface({ input: logLines });
  const timer = setTimeout(() => lines.close(), CONNECT_DEADLINE_MS);
  try {
    for await (const line of lines) if (line.includes('"agent started"')) return;
    throw new Error(`the agent has not started within ${CONNECT_DEADLINE_MS} ms, or has ended before`);
  } finally {
    clearTimeout(timer);
    logLines.resume();
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const threads = await readdir(`/proc/${parent}/task`);
  const lists = threads.map((thread) => readFile(`/proc/${parent}/task/${thread}/children`, "utf8"));
  return (await Promise.all(lists)).flatMap((list) => list.split(" ").filter(Boolean).map(Number));
}

/** All of them together. */
async function usageOf(pids: readonly number[]): Promise<Usage> {
  const sum = { residentMb: 0, proportionalMb: 0, anonymousMb: 0, cpuSeconds: 0 };
  for (const pid of pids) {
    const memory = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
    const megabytes = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(memory)?.[1] ?? 0) / 1_024;
    // What follows the name of the program, which may have spaces.
    const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ").at(-1)?.split(" ") ?? [];
    sum.residentMb += megabytes("Rss");
    sum.proportionalMb += megabytes("Pss");
    sum.anonymousMb += megabytes("Anonymous");
    sum.cpuSeconds += (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
  }
  return sum;
}
