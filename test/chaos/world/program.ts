/** A process that is killed, paused and started again, and restarted when it ends by itself, as a service manager would. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { withSbin } from "../../support/busybox-root.ts";
import type { Place } from "./network.ts";

const RESTART_AFTER_MS = 1_000;
const ENDS_WITHIN_MS = 60_000;

export interface ProgramOptions {
  readonly name: string;
  readonly place: Place;
  readonly command: string;
  readonly args: readonly string[];
  /** What it prints is appended here. */
  readonly logFile: string;
  /** It ended although nobody had told it to; it is started again. */
  readonly onSurprise: (surprise: Surprise) => void;
}

/** An end that nobody asked for. */
export interface Surprise {
  readonly name: string;
  readonly code: number | null;
  readonly signal: string | null;
}

export class Program {
  readonly name: string;
  readonly place: Place;
  readonly logFile: string;
  /** It may end by itself: something that it cannot do without is being taken from it. */
  mayEnd = false;
  readonly #options: ProgramOptions;
  #child: ChildProcess | undefined;
  #isWanted = false;

  constructor(options: ProgramOptions) {
    ({ name: this.name, place: this.place, logFile: this.logFile } = options);
    this.#options = options;
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#runs ? this.#child?.pid : undefined;
  }

  get #runs(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  start(): void {
    if (this.#runs) return;
    this.#isWanted = true;
    const { command, args, place, logFile } = this.#options;
    const [first = "", ...rest] = [...place.inside, command, ...args];
    const log = openSync(logFile, "a");
    const child = spawn(first, rest, { stdio: ["ignore", log, log], env: environment(), detached: true });
    closeSync(log);
    this.#child = child;
    // One that cannot be started is seen by whoever waits for it to answer.
    child.on("error", () => undefined);
    child.on("exit", (code, signal) => this.#onExit(child, code, signal));
  }

  /** SIGKILL; resolves when it is gone, and it stays away until it is started. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    return await this.#end("SIGTERM");
  }

  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    this.#isWanted = false;
    const child = this.#child;
    if (child === undefined || !this.#runs) return null;
    const exited = once(child, "exit");
    child.kill(signal);
    const inTime = await Promise.race([exited.then(() => true), sleep(ENDS_WITHIN_MS, false, { ref: false })]);
    if (!inTime) throw new Error(`${this.name} has not ended within ${ENDS_WITHIN_MS} ms of ${signal}`);
    return child.exitCode;
  }

  #onExit(child: ChildProcess, code: number | null, signal: string | null): void {
    if (!this.#isWanted || child !== this.#child) return;
    if (!this.mayEnd) this.#options.onSurprise({ name: this.name, code, signal });
    setTimeout(() => {
      if (this.#isWanted && child === this.#child) this.start();
    }, RESTART_AFTER_MS).unref();
  }
}

/** Settings of whoever runs this are not those of the cluster. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(withSbin()).filter(([name]) => !name.startsWith("GPUSCHED_")));
}
