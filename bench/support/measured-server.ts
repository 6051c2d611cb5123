import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { onExit } from "./on-exit.ts";

/** GPUs of the node in the role `dev`: as many jobs run at once. */
export const SIMULATED_GPUS = 16;

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 15_000;

export type ServerRole = "bare-grpc" | "bare-http" | "controller" | "gateway" | "dev";

/** Runs the role in a process of its own for as long as the work lasts, and gives the work its address, `host:port`. */
export async function withServer<T>(
  role: ServerRole,
  dataDir: string,
  work: (address: string) => Promise<T>,
): Promise<T> {
  const program = join(import.meta.dirname, "server-child.ts");
  const child = spawn(process.execPath, [program, role, dataDir], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const forget = onExit(() => child.kill("SIGKILL"));
  try {
    return await work(await addressOf(role, child.stdout));
  } finally {
    await stop(child, exited);
    forget();
  }
}

async function addressOf(role: ServerRole, stdout: Readable): Promise<string> {
  const lines = createInterface({ input: stdout });
  const signal = AbortSignal.timeout(START_DEADLINE_MS);
  const [line] = await Promise.race([
    once(lines, "line", { signal }),
    once(lines, "close", { signal }).then(() =>
      Promise.reject(new Error(`the server ${role} ended before it listened`)),
    ),
  ]);
  return (JSON.parse(String(line)) as { address: string }).address;
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.stdin?.end();
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
  await exited;
  clearTimeout(timer);
}
