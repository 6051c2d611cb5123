import { messageOf, systemErrorCode } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { AttemptFiles } from "../executor/process/attempt-files.ts";
import { isAlive, type ProcessId } from "../executor/process/proc-fs.ts";
import { killJob } from "../executor/process/session.ts";
import type { Target } from "./guard.ts";

/** The jobs of the process executor on the data directory, found by what is recorded of them there. */
export class Processes implements Target {
  readonly #dataDir: string;
  readonly #log: Logger;

  constructor(dataDir: string, log: Logger) {
    this.#dataDir = dataDir;
    this.#log = log;
  }

  look(): void {
    // The disk answers without being asked before.
  }

  async kill(): Promise<void> {
    for (const { name, process } of await this.#running()) {
      this.#log.warn({ allocation: name }, "killing a job that its agent should have stopped");
      void this.#kill(name, process);
    }
  }

  async #kill(name: string, process: ProcessId): Promise<void> {
    await killJob(process, await new AttemptFiles(this.#dataDir).readGroup(name));
  }

  async #running(): Promise<{ readonly name: string; readonly process: ProcessId }[]> {
    const files = new AttemptFiles(this.#dataDir);
    const running: { readonly name: string; readonly process: ProcessId }[] = [];
    for (const name of await namesIn(files)) {
      const process = await this.#processOf(files, name);
      if (process && (await isAlive(process))) running.push({ name, process });
    }
    return running;
  }

  async #processOf(files: AttemptFiles, name: string): Promise<ProcessId | undefined> {
    try {
      const status = await files.readStatus(name);
      if (!status?.requeueOnNodeLost || status.state.phase !== "running") return undefined;
      return status.state.process;
    } catch (error) {
      this.#log.error({ allocation: name, error: messageOf(error) }, "what is recorded of a job cannot be read");
      return undefined;
    }
  }
}

/** None where no job was ever run as a process. */
async function namesIn(files: AttemptFiles): Promise<readonly string[]> {
  try {
    return await files.names();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
