/** The program as a user starts it: `bin/gpusched dev` as a process of its own, on a data directory of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import type { Service } from "../../base/service.ts";
import { packageRoot } from "../../base/version.ts";

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;
const POLL_MS = 50;

export interface DevOptions {
  /** Flags beside the ports and the data directory, such as `--executor docker`. */
  readonly flags?: readonly string[];
  /** The documented ports, 8080 and 9090, instead of any free ones. */
  readonly defaultPorts?: boolean;
  /** Of an earlier start, which is then left alone when this one is closed; else a new one that goes with it. */
  readonly dataDir?: string;
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A running `gpusched dev`. Closing it kills what is left of it, running jobs included, and removes its directory. */
export interface DevProcess extends Service {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /** `127.0.0.1:9090` */
  readonly grpcAddress: string;
  readonly dataDir: string;
  readonly pid: number;
  /** What it has printed so far, log lines included. */
  readonly output: () => string;
  /** SIGTERM; resolves with the exit code, or with null if a signal ended it. Its jobs go on. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves when it is gone. Its jobs go on. */
  kill(): Promise<void>;
}

/** Any process of the program. */
export interface ProgramProcess {
  readonly child: ChildProcess;
  /** The exit code; null if a signal ended it, or if it could not be started. */
  readonly ended: Promise<number | null>;
  readonly output: () => string;
}

/** Starts `bin/gpusched` with these arguments; whoever calls ends it. */
export function startProgram(
  args: readonly string[],
  options: { readonly cwd?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): ProgramProcess {
  const child = spawn(join(packageRoot, "bin/gpusched"), args, {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: options.cwd,
    // Settings of whoever runs the tests are not those of the tests.
    env: { ...withoutSettings(process.env), ...options.environment },
    // A signal to the group of the tests is not for it: they end it themselves.
    detached: true,
  });
  return { child, ended: endOf(child), output: collectOutput(child) };
}

/** Starts it and waits until it is ready. Throws with all that it has printed if it ends before, or does not come up. */
export async function startDev(options: DevOptions = {}): Promise<DevProcess> {
  const dataDir = options.dataDir ?? (await makeDataDir());
  const ports = options.defaultPorts ? [] : ["--http-port", "0", "--grpc-port", "0"];
  const args = ["dev", "--data-dir", dataDir, ...ports, ...(options.flags ?? [])];
  const { child, ended, output } = startProgram(args, { environment: options.environment ?? {} });
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  const close = async () => {
    await kill();
    await killJobs(dataDir);
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await untilReady(child, output);
    const url = /REST API\s+(http:\/\/[^/\s]+)/.exec(output())?.[1];
    const grpcAddress = /gRPC API\s+(\S+)/.exec(output())?.[1];
    if (!url || !grpcAddress || child.pid === undefined) throw new Error("it did not say where it listens");
    return { url, grpcAddress, dataDir, pid: child.pid, output, stop: () => stop(child, ended, output), kill, close };
  } catch (error) {
    await close();
    throw new Error(`gpusched dev did not start: ${messageOf(error)}\n${output()}`, { cause: error });
  }
}

async function makeDataDir(): Promise<string> {
  return realpath(await mkdtemp(join(tmpdir(), "gpusched-dev-")));
}

function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("GPUSCHED_")));
}

function collectOutput(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  return () => text;
}

function endOf(child: ChildProcess): Promise<number | null> {
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once("exit", (code) => resolve(code));
  child.once("error", () => resolve(null));
  return promise;
}

/** The line comes when the controller leads and the gateway answers; the node may still be on its way. */
async function untilReady(child: ChildProcess, output: () => string): Promise<void> {
  const giveUpAt = performance.now() + READY_WITHIN_MS;
  while (!/^ready$/m.test(output())) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`it ended with ${child.signalCode ?? `code ${child.exitCode}`}`);
    }
    if (performance.now() > giveUpAt) throw new Error(`it was not ready within ${READY_WITHIN_MS} ms`);
    await sleep(POLL_MS);
  }
}

async function stop(child: ChildProcess, ended: Promise<number | null>, output: () => string): Promise<number | null> {
  child.kill("SIGTERM");
  const outcome = await Promise.race([ended, sleep(STOP_WITHIN_MS, "late" as const, { ref: false })]);
  if (outcome === "late") throw new Error(`it did not stop within ${STOP_WITHIN_MS} ms\n${output()}`);
  return outcome;
}

/**
 * Ends the jobs of a data directory that run as plain processes, and what keeps them: they outlive the program on purpose.
 *
 * @param dataDir of `gpusched dev`, or the `data` below the working directory of an agent
 */
export async function killJobs(dataDir: string): Promise<void> {
  const runner = runnerPid(dataDir);
  if (runner === undefined) return;
  for (const child of childrenOf(runner)) signalGroup(child);
  signal(runner);
  const giveUpAt = performance.now() + STOP_WITHIN_MS;
  while (isThere(runner) && performance.now() < giveUpAt) await sleep(POLL_MS);
}

/** Only if that process is still this directory's runner: numbers are used again. */
function runnerPid(dataDir: string): number | undefined {
  const directory = join(dataDir, "agent");
  const pid = Number(readIfThere(join(directory, "runner.pid")));
  if (!(pid > 0)) return undefined;
  return readIfThere(`/proc/${pid}/cmdline`).split("\0").includes(realpathSync(directory)) ? pid : undefined;
}

function childrenOf(pid: number): number[] {
  return readIfThere(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Gone meanwhile, or never there: the same here.
    return "";
  }
}

/** Each job leads a group of its own. */
function signalGroup(leader: number): void {
  signal(-leader);
}

function isThere(pid: number): boolean {
  return signal(pid, 0);
}

function signal(pid: number, number: NodeJS.Signals | 0 = "SIGKILL"): boolean {
  try {
    return process.kill(pid, number);
  } catch (error) {
    if (systemErrorCode(error) === "ESRCH") return false;
    throw error;
  }
}
