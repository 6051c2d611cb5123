import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { extname, join } from "node:path";
import { withDeadline } from "../../../base/abort.ts";
import { RequestError } from "../../../base/errors.ts";
import { SourceAbsentError } from "../source-absent.ts";
import { answerSchema, type NvmlAnswer, type NvmlCall } from "./messages.ts";

/** After SIGKILL. A process in the hands of the driver may outlive even that. */
const KILL_DEADLINE_MS = 1_000;

/** It calls a few functions every few seconds: no code is worth being made faster. */
const SMALL = ["--max-semi-space-size=1", "--no-opt", "--no-maglev"] as const;

/** One worker process. After the first call that fails or is late it is dead, and a new one is needed. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(libraryPath: string) {
    // Beside this file, whether it was compiled or not.
    const worker = join(import.meta.dirname, `worker${extname(import.meta.filename)}`);
    this.#child = fork(worker, [libraryPath], { execArgv: [...SMALL], stdio: ["ignore", "ignore", "ignore", "ipc"] });
    this.#exited = once(this.#child, "exit").catch(() => undefined);
    // Told through the calls that it leaves unanswered.
    this.#child.on("error", () => undefined);
  }

  get hasExited(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** One call at a time. What it resolves to was not checked. */
  async call(call: NvmlCall, deadlineMs: number): Promise<unknown> {
    try {
      return await withDeadline(`NVML (${call})`, deadlineMs, () => this.#ask(call));
    } catch (error) {
      this.#child.kill("SIGKILL");
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#child.kill("SIGKILL");
    await withDeadline("the NVML worker", KILL_DEADLINE_MS, () => this.#exited).catch(() => undefined);
    this.#child.unref();
  }

  async #ask(call: NvmlCall): Promise<unknown> {
    if (this.hasExited) throw this.#crashed();
    const done = new AbortController();
    const { signal } = done;
    try {
      const exited = once(this.#child, "exit", { signal }).then(() => {
        throw this.#crashed();
      });
      const answered = once(this.#child, "message", { signal });
      this.#child.send(call);
      const [message]: unknown[] = await Promise.race([answered, exited]);
      return valueOf(answerSchema.parse(message));
    } finally {
      done.abort();
    }
  }

  #crashed(): RequestError {
    const { exitCode, signalCode } = this.#child;
    return new RequestError("unavailable", `NVML crashed its process (${signalCode ?? `exit code ${exitCode}`})`);
  }
}

function valueOf(answer: NvmlAnswer): unknown {
  if (!("error" in answer)) return answer.value;
  throw answer.isAbsent
    ? new SourceAbsentError("unavailable", answer.error)
    : new RequestError("unavailable", answer.error);
}
