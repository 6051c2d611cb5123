import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemErrorCode } from "../../base/errors.ts";

const DEADLINE_MS = 15_000;
const POLL_MS = 20;

/** Ends the process that jobs were children of: it outlives its agent on purpose, and there are no jobs any more. */
export async function stopRunner(directory: string): Promise<void> {
  const pid = await readPid(join(directory, "agent", "runner.pid"));
  if (pid === undefined) return;
  // Another process may have got the number by now.
  if (!(await commandLine(pid)).includes(directory)) return;
  process.kill(pid, "SIGTERM");
  const startMs = performance.now();
  while ((await commandLine(pid)).includes(directory)) {
    if (performance.now() - startMs > DEADLINE_MS) throw new Error(`the process runner ${pid} does not end`);
    await sleep(POLL_MS);
  }
}

async function readPid(path: string): Promise<number | undefined> {
  try {
    return Number(await readFile(path, "utf8"));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Empty when the process is gone. */
async function commandLine(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
}
