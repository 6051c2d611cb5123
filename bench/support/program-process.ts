import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { packageRoot } from "../../base/version.ts";
import { onExit } from "./on-exit.ts";

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 15_000;
const TICKS_PER_S = 100;

export interface ProgramOptions<T> {
  /** The role, and its options. */
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** What a line of its log says of its being ready; undefined for any other line. */
  readonly readyBy: (line: string) => T | undefined;
}

/** A process of the program that is ready. */
export interface RunningProgram<T> {
  readonly pid: number;
  readonly told: T;
}

/** Runs a role of the program in a process of its own for as long as the work lasts, which begins when the role is ready. */
export async function withProgram<Told, Result>(
  { args, env, readyBy }: ProgramOptions<Told>,
  work: (program: RunningProgram<Told>) => Promise<Result>,
): Promise<Result> {
  const child = spawn(join(packageRoot, "bin/gpusched"), [...args, "--log-format", "json"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  const exited = once(child, "exit");
  const forget = onExit(() => child.kill("SIGKILL"));
  try {
    const told = await untilReady(args[0] ?? "", child.stderr, readyBy);
    if (child.pid === undefined) throw new Error(`the ${args[0]} has no process`);
    return await work({ pid: child.pid, told });
  } finally {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    await exited;
    clearTimeout(timer);
    forget();
  }
}

/** Of the processor that the process has had so far, in all of its threads. */
export async function processorSecondsOf(pid: number): Promise<number> {
  // What follows the name of the program, which may have spaces.
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

async function untilReady<T>(role: string, logLines: Readable, readyBy: ProgramOptions<T>["readyBy"]): Promise<T> {
  const lines = createInterface({ input: logLines });
  const timer = setTimeout(() => lines.close(), START_DEADLINE_MS);
  try {
    for await (const line of lines) {
      const told = readyBy(line);
      if (told !== undefined) return told;
    }
    throw new Error(`the ${role} was not ready within ${START_DEADLINE_MS} ms, or ended before`);
  } finally {
    clearTimeout(timer);
    // What it says later is read by nobody, and must not hold it up.
    logLines.resume();
  }
}
