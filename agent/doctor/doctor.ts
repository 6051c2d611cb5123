import { delay } from "../../base/abort.ts";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import { MINUTE_MS } from "../../base/time.ts";
import type { ExecutorHealth } from "../executor/executor.ts";
import type { ExamineOptions } from "./examine.ts";
import type { Finding } from "./finding.ts";

const EXAMINE_EVERY_MS = 10 * MINUTE_MS;
/** Checks of versions through whose holes a job gets out of its container. */
const SAFETY_CHECKS: ReadonlySet<string> = new Set(["docker-version", "runc-version", "toolkit-version"]);

export interface DoctorOptions {
  /** No job starts on a host whose versions are known to be unsafe, or are not known yet. */
  readonly requireSafeVersions: boolean;
  examine(driftMs: number | undefined): Promise<readonly Finding[]>;
  readonly log: Logger;
}

/** Examines the agent's host at its start and every ten minutes, beside everything else that it does. */
export class Doctor implements Service {
  readonly #options: DoctorOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  /** Undefined until the host was examined once. */
  #findings: readonly Finding[] | undefined;
  #driftMs: number | undefined;

  constructor(options: DoctorOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** What was found last that a person should know or mend. */
  get findings(): readonly Finding[] {
    return (this.#findings ?? []).filter(({ severity }) => severity === "warning" || severity === "error");
  }

  /** The executor's health, unless it would run jobs on versions that must be safe and are not. */
  judge(health: ExecutorHealth): ExecutorHealth {
    if (!this.#options.requireSafeVersions || !health.ready) return health;
    if (!this.#findings)
      return { ready: false, message: "the host has not been examined yet (--require-safe-versions)" };
    const unsafe = this.findings.filter(({ check, severity }) => severity === "error" && SAFETY_CHECKS.has(check));
    if (unsafe.length === 0) return health;
    const problems = unsafe.map(({ message }) => message).join("; ");
    return { ready: false, message: `${problems} (--require-safe-versions)` };
  }

  /** The leader has said what its clock shows. */
  onLeaderTime(atMs: number): void {
    if (atMs > 0) this.#driftMs = atMs - Date.now();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (; !signal.aborted; await delay(EXAMINE_EVERY_MS, signal)) {
      // What hangs ends by its own deadlines; closing does not wait for it.
      await Promise.race([this.#examine(), aborted(signal)]);
    }
  }

  async #examine(): Promise<void> {
    const { log } = this.#options;
    try {
      const findings = await this.#options.examine(this.#driftMs);
      if (this.#closing.signal.aborted) return;
      const known = new Set((this.#findings ?? []).map(({ message }) => message));
      this.#findings = findings;
      for (const { check, severity, message, cure } of this.findings) {
        if (!known.has(message)) log.warn({ check, severity, problem: message, cure }, "something about this host");
      }
    } catch (error) {
      log.error({ error: messageOf(error) }, "the host could not be examined");
    }
  }
}

/** The checks are loaded when they are needed: they are the least of what an agent does. */
export function examiner(
  options: Omit<ExamineOptions, "driftMs" | "isAgent" | "configFile">,
): DoctorOptions["examine"] {
  return async (driftMs) => {
    const { examine } = await import("./examine.ts");
    return examine({ ...options, driftMs, isAgent: true, configFile: undefined });
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
