import type { Service } from "../../../base/service.ts";
import type { AttemptFiles } from "./attempt-files.ts";
import { type ProcessId, isAlive } from "./proc-fs.ts";
import { killJob, terminateGroup } from "./session.ts";

const POLL_MS = 500;

interface Orphan {
  readonly process: ProcessId;
  killAtMs: number | undefined;
  /** Being looked at, or killed. */
  isBusy: boolean;
  goneAtMs: number | undefined;
}

/** Jobs whose runner is not there: they are watched from outside, and nobody will know their exit codes. */
export class Orphans implements Service {
  readonly #orphans = new Map<string, Orphan>();
  readonly #files: Pick<AttemptFiles, "readGroup">;
  readonly #onGone: (name: string, goneForMs: number) => Promise<void>;
  readonly #polling: NodeJS.Timeout;

  /** @param onGone told of an orphan with nothing left of it, again and again until it is dropped */
  constructor(files: Pick<AttemptFiles, "readGroup">, onGone: (name: string, goneForMs: number) => Promise<void>) {
    this.#files = files;
    this.#onGone = onGone;
    this.#polling = setInterval(() => this.#poll(), POLL_MS);
  }

  names(): string[] {
    return [...this.#orphans.keys()];
  }

  has(name: string): boolean {
    return this.#orphans.has(name);
  }

  /** @param killAtMs when it is to be killed, on the wall clock, if it is being stopped already */
  adopt(name: string, process: ProcessId, killAtMs: number | undefined): void {
    if (this.has(name)) return;
    this.#orphans.set(name, { process, killAtMs, isBusy: false, goneAtMs: undefined });
  }

  drop(name: string): void {
    this.#orphans.delete(name);
  }

  /** SIGTERM unless it was sent before, SIGKILL to all of it at that time on the wall clock. */
  stop(name: string, killAtMs: number): void {
    const orphan = this.#orphans.get(name);
    if (!orphan) return;
    if (orphan.killAtMs === undefined) void terminateGroup(orphan.process);
    orphan.killAtMs = killAtMs;
  }

  async close(): Promise<void> {
    clearInterval(this.#polling);
    this.#orphans.clear();
  }

  #poll(): void {
    for (const [name, orphan] of this.#orphans) if (!orphan.isBusy) void this.#look(name, orphan);
  }

  async #look(name: string, orphan: Orphan): Promise<void> {
    orphan.isBusy = true;
    const isDue = orphan.killAtMs !== undefined && Date.now() >= orphan.killAtMs;
    if (isDue || !(await isAlive(orphan.process))) {
      if (orphan.goneAtMs === undefined) await killJob(orphan.process, await this.#files.readGroup(name));
      orphan.goneAtMs ??= performance.now();
      if (this.#orphans.get(name) === orphan) await this.#onGone(name, performance.now() - orphan.goneAtMs);
    }
    orphan.isBusy = false;
  }
}
