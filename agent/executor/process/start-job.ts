import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type FileHandle, open } from "node:fs/promises";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { getSystemErrorMessage } from "node:util";
import { messageOf, systemErrorCode } from "../../../base/errors.ts";
import type { AttemptFiles } from "./attempt-files.ts";
import { checkProgram } from "./program.ts";
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

/**
 * What stands before a program that must be in its control group before it does anything: so nothing of it is ever outside.
 * It becomes the program, with the same process id.
 */
const ENTER = [
  "/bin/sh",
  "-c",
  'while [ "$1" != -- ]; do echo 0 >"$1" || exit 1; shift; done; shift; echo in >&3; exec 3>&-; exec "$@"',
  "sh",
];
const NOT_CONFINED: StatusEnd = { kind: "node", message: "the node could not put it into its control group" };

export interface StartedJob {
  readonly kind: "started";
  readonly process: ProcessId;
  /** How the leader of its session ended. */
  readonly exited: Promise<StatusEnd>;
}

/**
 * Starts the job as the leader of a session and process group of its own, its output appended to its files, in its own
 * working directory. Its environment is the launch's on top of this process's.
 *
 * @param entrances the files into which a process writes itself to be in the job's control group
 */
export async function startJob(
  launch: Launch,
  files: AttemptFiles,
  entrances: readonly string[],
): Promise<StartedJob | StatusEnd> {
  const stdout = await open(files.logPath(launch.name, "stdout"), "a", 0o600);
  try {
    const stderr = await open(files.logPath(launch.name, "stderr"), "a", 0o600);
    try {
      return await spawnJob(launch, { cwd: files.workDir(launch.name), entrances, stdout, stderr });
    } finally {
      await stderr.close();
    }
  } finally {
    await stdout.close();
  }
}

interface Surroundings {
  readonly cwd: string;
  readonly entrances: readonly string[];
  readonly stdout: FileHandle;
  readonly stderr: FileHandle;
}

async function spawnJob(launch: Launch, { cwd, entrances, stdout, stderr }: Surroundings) {
  const [program = ""] = launch.argv;
  const env = { ...process.env, ...launch.environment };
  const isConfined = entrances.length > 0;
  try {
    // Behind a shell the system's own answer would come too late.
    if (isConfined) await checkProgram(program, cwd, env.PATH);
    const [file = "", ...args] = isConfined ? [...ENTER, ...entrances, "--", ...launch.argv] : launch.argv;
    const entered = isConfined ? (["pipe"] as const) : [];
    const child = spawn(file, args, { cwd, env, detached: true, stdio: ["ignore", stdout.fd, stderr.fd, ...entered] });
    if (child.pid === undefined) throw await startError(child);
    // In the same turn as the spawn: not even a child that has already ended is reaped yet.
    const started = { kind: "started", process: identifyChild(child.pid), exited: exitOf(child) } as const;
    return isConfined && !(await hasEntered(child)) ? NOT_CONFINED : started;
  } catch (error) {
    const message = `cannot start ${JSON.stringify(program)}: ${describe(error)}`;
    const kind = USER_ERRORS.has(systemErrorCode(error)) ? ("bad-request" as const) : ("node" as const);
    return { kind, message };
  }
}

/** The shell says so before it becomes the program, which does not have this pipe any more. */
async function hasEntered(child: ChildProcess): Promise<boolean> {
  const pipe = child.stdio[3] as Readable;
  let said = "";
  for await (const chunk of pipe) said += String(chunk);
  return said === "in\n";
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
