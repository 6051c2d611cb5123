import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { delay } from "../../base/abort.ts";
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { MINUTE_MS, SECOND_MS } from "../../base/time.ts";
import type { DeviceEvent } from "./device-source.ts";
import { FaultLines } from "./fault-lines.ts";

/** From now on, the messages alone. */
const FOLLOW = ["--dmesg", "--follow", "--lines=0", "--output=cat", "--no-pager", "--quiet"] as const;
const FIRST_PAUSE_MS = SECOND_MS;
const LONGEST_PAUSE_MS = 5 * MINUTE_MS;
/** Between two looks; beyond, the oldest are forgotten. */
const MAX_EVENTS = 1_000;

export interface JournalLogOptions {
  readonly log: Logger;
  /** Of systemd. */
  readonly program?: string;
  readonly firstPauseMs?: number;
}

/**
 * Reads what the kernel says of faults from systemd's journal, where the kernel's own log is closed to this process: the
 * group systemd-journal may read the one, and no capability is needed. A reader that ends is started anew, later each time.
 */
export class JournalLog {
  readonly #options: JournalLogOptions;
  readonly #closing = new AbortController();
  readonly #faults = new FaultLines();
  readonly #running: Promise<void>;
  #events: DeviceEvent[] = [];

  constructor(options: JournalLogOptions) {
    this.#options = options;
    this.#running = this.#run(this.#closing.signal);
  }

  /** What was said since this was asked last. */
  read(): readonly DeviceEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { log, firstPauseMs = FIRST_PAUSE_MS } = this.#options;
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        const exitCode = await this.#follow(signal);
        if (!signal.aborted) log.debug({ exitCode }, "the journal's reader ended; faults may be missed meanwhile");
      } catch (error) {
        if (signal.aborted) return;
        log.debug({ reason: messageOf(error) }, "the journal cannot be read: faults are heard of by the driver alone");
        if (systemErrorCode(error) === "ENOENT") return;
      }
      await delay(pauseMs, signal);
    }
  }

  /** Until the reader ends. */
  async #follow(signal: AbortSignal): Promise<number | null> {
    const { program = "journalctl" } = this.#options;
    const child = spawn(program, [...FOLLOW], { stdio: ["ignore", "pipe", "ignore"] });
    const kill = () => void child.kill("SIGKILL");
    signal.addEventListener("abort", kill, { once: true });
    try {
      createInterface({ input: child.stdout }).on("line", (line) => this.#line(line));
      await once(child, "exit");
      return child.exitCode;
    } finally {
      signal.removeEventListener("abort", kill);
    }
  }

  #line(text: string): void {
    const event = this.#faults.line(text);
    if (event) this.#events = [...this.#events, event].slice(-MAX_EVENTS);
  }
}
