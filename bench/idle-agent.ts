import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StubNvml, stubGpu, whyNoStubNvml } from "../test/support/nvml/stub-nvml.ts";
import type { BenchRow } from "./report.ts";
import { withController } from "./support/controller-process.ts";
import type { BenchOptions } from "./support/options.ts";
import { processorSecondsOf, withProgram } from "./support/program-process.ts";
import { stopRunner } from "./support/runner.ts";
import { inTemporaryDirectory } from "./support/temporary-directory.ts";

const DEVICES = 8;
/** By then it has given back what only its start needed: base/give-back. */
const SETTLE_MS = 60_000;
const MEASURE_MS = 60_000;
const MOST_MB = 80;
const MOST_CPU_PERCENT = 1;

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

function withAgent<T>(
  controller: string,
  directory: string,
  library: string,
  work: (pid: number) => Promise<T>,
): Promise<T> {
  const dataDir = join(directory, "agent");
  const what = ["--controllers", controller, "--data-dir", dataDir, "--executor", "process", "--node-name", "idle"];
  const env = { GPUSCHED_NVML_LIBRARY: library };
  const readyBy = (line: string) => line.includes('"agent started"') || undefined;
  return withProgram({ args: ["agent", ...what], env, readyBy }, ({ pid }) => work(pid));
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
    sum.residentMb += megabytes("Rss");
    sum.proportionalMb += megabytes("Pss");
    sum.anonymousMb += megabytes("Anonymous");
    sum.cpuSeconds += await processorSecondsOf(pid);
  }
  return sum;
}
