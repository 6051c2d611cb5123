import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../../base/atomic-file.ts";
import { isFullDisk, systemErrorCode } from "../../../base/errors.ts";
import { makeDirectory } from "../../../base/make-directory.ts";
import type { LogStreamName } from "../executor.ts";
import type { LogPaths } from "../log-file.ts";
import { type JobGroup, jobGroupSchema } from "./cgroup/job-group.ts";
import { type Status, statusSchema } from "./status.ts";
import { makeReserve, readReserve, writeReserve } from "./status-reserve.ts";

const STREAMS: readonly LogStreamName[] = ["stdout", "stderr"];
/** In the order in which an attempt has them: of two records the later one counts. */
const PHASES = ["starting", "running", "ended"] as const;

/**
 * Where the attempts of one agent lie:
 *
 * ```text
 * attempts/<name>/status.json  stdout.log  stderr.log  work/    from its launch to its release
 * attempts/<name>/group.json                                    where its control group is, if it has one
 * attempts/<name>/reserve                                       the record for which there was no other room
 * logs/<name>/stdout.log  stderr.log                            from its release until collected
 * released/                                                     about to be removed
 * ```
 */
export class AttemptFiles {
  readonly logsDir: string;
  readonly #attempts: string;
  readonly #released: string;

  constructor(dataDir: string) {
    this.#attempts = join(dataDir, "attempts");
    this.logsDir = join(dataDir, "logs");
    this.#released = join(dataDir, "released");
  }

  /** Makes the directories and finishes removals that were interrupted. */
  async prepare(): Promise<void> {
    await rm(this.#released, { recursive: true, force: true });
    for (const dir of [this.#attempts, this.logsDir, this.#released]) makeDirectory(dir);
  }

  /** Every attempt that is not released yet. */
  async names(): Promise<string[]> {
    return (await readdir(this.#attempts)).toSorted();
  }

  workDir(name: string): string {
    return join(this.#attempts, name, "work");
  }

  logPath(name: string, stream: LogStreamName): string {
    return join(this.#attempts, name, `${stream}.log`);
  }

  /** Where its output is, released or not. */
  logPaths(name: string): LogPaths {
    const paths = (stream: LogStreamName): string[] => [this.logPath(name, stream), this.#keptLog(name, stream)];
    return { stdout: paths("stdout"), stderr: paths("stderr") };
  }

  /** Whether output of an allocation is kept that was released. */
  async hasKeptLog(name: string): Promise<boolean> {
    try {
      return (await stat(join(this.logsDir, name))).isDirectory();
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return false;
      throw error;
    }
  }

  /** The directory of an attempt that is about to be launched. Its working directory is empty. */
  async create(name: string): Promise<void> {
    makeDirectory(this.workDir(name));
  }

  /** Takes the room that a record of the attempt needs on a full disk. Rejects with `ENOSPC` where there is none. */
  async reserve(status: Status): Promise<void> {
    await makeReserve(this.#reserve(status.name), status);
  }

  /** Undefined where it was not written: its launch was interrupted. A damaged one throws. */
  async readStatus(name: string): Promise<Status | undefined> {
    const [status, reserved] = await Promise.all([this.#readStatus(name), readReserve(this.#reserve(name))]);
    if (!reserved || (status && PHASES.indexOf(status.state.phase) > PHASES.indexOf(reserved.state.phase)))
      return status;
    return reserved;
  }

  async #readStatus(name: string): Promise<Status | undefined> {
    try {
      return statusSchema.parse(JSON.parse(await readFile(this.#status(name), "utf8")));
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Before anything is in the group. It does not outlive the host, so that it need not be durable. */
  async writeGroup(name: string, group: JobGroup): Promise<void> {
    await writeFile(this.#group(name), JSON.stringify(group), { mode: 0o600 });
  }

  /** Undefined where the attempt has none, or what is recorded of it is damaged. */
  async readGroup(name: string): Promise<JobGroup | undefined> {
    try {
      return jobGroupSchema.parse(JSON.parse(await readFile(this.#group(name), "utf8")));
    } catch {
      return undefined;
    }
  }

  /** One writer an attempt at a time: the runner while it runs the job, else the executor. */
  async writeStatus(status: Status): Promise<void> {
    try {
      await writeFileAtomic(this.#status(status.name), `${JSON.stringify(status)}\n`);
    } catch (error) {
      if (!isFullDisk(error)) throw error;
      await writeReserve(this.#reserve(status.name), status);
    }
  }

  /** Removes all of the attempt but its output. Idempotent, and can be interrupted anywhere. */
  async release(name: string): Promise<void> {
    makeDirectory(join(this.logsDir, name));
    for (const stream of STREAMS) await renameIfExists(this.logPath(name, stream), this.#keptLog(name, stream));
    const doomed = join(this.#released, name);
    await renameIfExists(join(this.#attempts, name), doomed);
    await rm(doomed, { recursive: true, force: true });
  }

  #status(name: string): string {
    return join(this.#attempts, name, "status.json");
  }

  #group(name: string): string {
    return join(this.#attempts, name, "group.json");
  }

  #reserve(name: string): string {
    return join(this.#attempts, name, "reserve");
  }

  #keptLog(name: string, stream: LogStreamName): string {
    return join(this.logsDir, name, `${stream}.log`);
  }
}

async function renameIfExists(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}
