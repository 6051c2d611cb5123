import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type FileHandle, open } from "node:fs/promises";
import { constants } from "node:os";
import { getSystemErrorMessage } from "node:util";
import { messageOf, systemErrorCode } from "../../../base/errors.ts";
import type { AttemptFiles } from "./attempt-files.ts";
import { type ProcessId, identifyChild } from "./proc-fs.ts";
import type { Launch } from "./protocol.ts";
import type { StatusEnd } from "./status.ts";

/** Why a program cannot be started that could not be started on another node either. */
const USER_ERRORS: ReadonlySet<string | undefined> = new Set([
  "ENOENT",
  "EACCES",
  "EPERM",
  "ENOEXEC",
  "ENOTDIR",
  "EISDIR",
  "ELOOP",
  "ENAMETOOLONG",
  "E2BIG",
  "ERR_INVALID_ARG_VALUE",
]);

export interface StartedJob {
  readonly kind: "started";
  readonly process: ProcessId;
  /** How the leader of its session ended. */
  readonly exited: Promise<StatusEnd>;
}

/**
 * Starts the job as the leader of a session and process group of its own, its output appended to its files, in its own
 * working directory. Its environment is the launch's on top of this process's.
 */
export async function startJob(launch: Launch, files: AttemptFiles): Promise<StartedJob | StatusEnd> {
  const stdout = await open(files.logPath(launch.name, "stdout"), "a", 0o600);
  try {
    const stderr = await open(files.logPath(launch.name, "stderr"), "a", 0o600);
    try {
      return await spawnJob(launch, files.workDir(launch.name), stdout, stderr);
    } finally {
      await stderr.close();
    }
  } finally {
    await stdout.close();
  }
}

async function spawnJob(
  launch: Launch,
  cwd: string,
  stdout: FileHandle,
  stderr: FileHandle,
): Promise<StartedJob | StatusEnd> {
  const [program = "", ...args] = launch.argv;
  const env = { ...process.env, ...launch.environment };
  try {
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", stdout.fd, stderr.fd] });
    if (child.pid === undefined) throw await startError(child);
    // In the same turn as the spawn: not even a child that has already ended is reaped yet.
    return { kind: "started", process: identifyChild(child.pid), exited: exitOf(child) };
  } catch (error) {
    const message = `cannot start ${JSON.stringify(program)}: ${describe(error)}`;
    return { kind: USER_ERRORS.has(systemErrorCode(error)) ? "bad-request" : "node", message };
  }
}

async function startError(child: ChildProcess): Promise<unknown> {
  const [error]: unknown[] = await once(child, "error");
  return error;
}

/** Node does not tell real-time signals from an exit with code 0; every other way to end is exact. */
async function exitOf(child: ChildProcess): Promise<StatusEnd> {
  const [exitCode, signalName] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  if (signalName === null) {
    return { kind: "exited", exitCode: exitCode ?? 0, message: "" };
  }
  const signal = constants.signals[signalName];
  return { kind: "exited", exitCode: 128 + signal, signal, message: `killed by ${signalName}` };
}

function describe(error: unknown): string {
  if (error instanceof Error && "errno" in error && typeof error.errno === "number") {
    return getSystemErrorMessage(error.errno);
  }
  return messageOf(error);
}
