import { type ChildProcess, execFile } from "node:child_process";
import { withDeadline } from "../../base/abort.ts";
import { messageOf, RequestError, systemErrorCode } from "../../base/errors.ts";
import { SourceAbsentError } from "./source-absent.ts";

const KILL_DEADLINE_MS = 1_000;
/** Of 16 GPUs with all the clocks that they can have, several times over. */
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;

/** How a program ended. One that told something may have failed all the same. */
export interface ProgramEnd {
  readonly stdout: string;
  readonly stderr: string;
  /** 0 if it did well. */
  readonly exitCode: number;
}

/** A program that comes with a driver. One that hangs is killed, and its output has a limit. */
export class Program {
  readonly #name: string;
  readonly #deadlineMs: number;
  readonly #running = new Map<ChildProcess, Promise<unknown>>();
  #isClosed = false;

  constructor(name: string, deadlineMs: number) {
    this.#name = name;
    this.#deadlineMs = deadlineMs;
  }

  /** Throws if it did not end by itself, or is not there. */
  async run(...args: string[]): Promise<ProgramEnd> {
    if (this.#isClosed) throw new RequestError("unavailable", `${this.#name} is closed`);
    const { promise, resolve, reject } = Promise.withResolvers<ProgramEnd>();
    // LC_ALL: numbers and words as they are looked for.
    const options = { maxBuffer: MAX_OUTPUT_BYTES, env: { ...process.env, LC_ALL: "C" } };
    const child = execFile(this.#name, args, options, (error, stdout, stderr) => {
      this.#running.delete(child);
      if (!error) resolve({ stdout, stderr, exitCode: 0 });
      else if (typeof error.code === "number") resolve({ stdout, stderr, exitCode: error.code });
      else reject(this.#failure(error));
    });
    this.#running.set(child, promise);
    promise.catch(() => undefined);
    try {
      return await withDeadline(this.#name, this.#deadlineMs, () => promise);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  /** One in the hands of the driver may outlive even being killed: it is not waited for. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const child of this.#running.keys()) child.kill("SIGKILL");
    const ended = Promise.allSettled(this.#running.values());
    await withDeadline(this.#name, KILL_DEADLINE_MS, () => ended).catch(() => undefined);
  }

  #failure(error: Error & { signal?: NodeJS.Signals | null | undefined }): RequestError {
    const code = systemErrorCode(error);
    if (code === "ENOENT") return new SourceAbsentError("unavailable", `${this.#name} is not installed`);
    if (code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER")
      return new RequestError("unavailable", `${this.#name} told more than ${MAX_OUTPUT_BYTES} bytes`);
    const why = error.signal ? `it was ended by ${error.signal}` : messageOf(error);
    return new RequestError("unavailable", `${this.#name} failed: ${why}`);
  }
}
