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

/** Of the processor that the controller has had so far, in all of its threads. */
type ProcessorSeconds = () => Promise<number>;

/** Runs the program's own controller for as long as the work lasts, and gives the work its address once it leads. */
export async function withController<T>(
  dataDir: string,
  work: (address: string, processorSeconds: ProcessorSeconds) => Promise<T>,
): Promise<T> {
  const args = ["controller", "--listen", "127.0.0.1:0", "--data-dir", dataDir, "--log-format", "json"];
  const child = spawn(join(packageRoot, "bin/gpusched"), args, { stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(child, "exit");
  const forget = onExit(() => child.kill("SIGKILL"));
  try {
    return await work(await addressOf(child.stderr), () => processorSecondsOf(child.pid));
  } finally {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    await exited;
    clearTimeout(timer);
    forget();
  }
}

async function processorSecondsOf(pid: number | undefined): Promise<number> {
  // What follows the name of the program, which may have spaces; times are in hundredths of a second.
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function addressOf(logLines: Readable): Promise<string> {
  const lines = createInterface({ input: logLines });
  const timer = setTimeout(() => lines.close(), START_DEADLINE_MS);
  try {
    for await (const line of lines) {
      const { msg, address } = JSON.parse(line) as { msg?: string; address?: string };
      if (msg === "the controller leads" && address !== undefined) return address;
    }
    throw new Error(`the controller did not lead within ${START_DEADLINE_MS} ms, or ended before`);
  } finally {
    clearTimeout(timer);
    // What it says later is read by nobody, and must not hold it up.
    logLines.resume();
  }
}
