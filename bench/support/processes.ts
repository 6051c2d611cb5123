/** Processes started by Node.js itself, with nothing of ours around them. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs the command; resolves with its output. */
export async function runBare([program, ...args]: readonly [string, ...string[]]): Promise<string> {
  return (await run(program, args)).stdout;
}

/** Runs the program; resolves when it has ended well. */
export async function spawnBare(program: string): Promise<void> {
  const [code] = await once(spawn(program, { stdio: "ignore", detached: true }), "exit");
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}`);
}

/** The wall clock as finely as this process knows it: microseconds, though it counts in nanoseconds. */
export function nanosecondsNow(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) * 1_000n;
}
