import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { ContainerSummary, EngineClient } from "../executor/docker/engine-client.ts";
import { agentLabel, parseLabels } from "../executor/docker/labels.ts";
import { allPids, cgroupsOf } from "../executor/process/proc-fs.ts";
import type { Target } from "./guard.ts";
import type { LeaseMark } from "./lease-mark.ts";

/** How often the engine is asked what runs while all is well. */
const LIST_EVERY_MS = 5_000;

/**
 * The agent's containers. An engine that does not answer either does not save them: their processes are found by the cgroups
 * that they are in, as far as the containers were seen while it still answered.
 */
export class Containers implements Target {
  readonly #engine: Pick<EngineClient, "list" | "kill">;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  /** The ids of those that may be started elsewhere. */
  #known: readonly string[] = [];
  #listedAtMs = Number.NEGATIVE_INFINITY;
  #underWay: Promise<void> | undefined;
  #problem = "";

  constructor(engine: Pick<EngineClient, "list" | "kill">, log: Logger, nowMs = () => performance.now()) {
    this.#engine = engine;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  look(mark: LeaseMark): void {
    if (this.#nowMs() - this.#listedAtMs < LIST_EVERY_MS) return;
    this.#inBackground(() => this.#list(mark));
  }

  kill(mark: LeaseMark): Promise<void> {
    this.#killProcesses();
    this.#inBackground(() => this.#killByEngine(mark));
    return Promise.resolve();
  }

  /** Resolves when the engine has answered what it was asked, or will not. */
  settled(): Promise<void> {
    return this.#underWay ?? Promise.resolve();
  }

  async #killByEngine(mark: LeaseMark): Promise<void> {
    await this.#list(mark);
    for (const id of this.#known) {
      if (await this.#engine.kill(id, "SIGKILL")) this.#tell(id);
    }
  }

  #inBackground(work: () => Promise<void>): void {
    this.#underWay ??= work()
      .then(
        () => {
          this.#problem = "";
        },
        (error: unknown) => this.#complain(messageOf(error)),
      )
      .finally(() => {
        this.#underWay = undefined;
      });
  }

  /** Loud once. */
  #complain(problem: string): void {
    if (problem !== this.#problem) this.#log.warn({ problem }, "the guard does not see the containers");
    this.#problem = problem;
  }

  #tell(id: string): void {
    this.#log.warn({ container: id.slice(0, 12) }, "killing a container that its agent should have stopped");
  }

  async #list({ agentId }: LeaseMark): Promise<void> {
    const containers = await this.#engine.list(agentLabel(agentId));
    this.#listedAtMs = this.#nowMs();
    this.#known = containers.filter(mayRunElsewhere).map(({ Id }) => Id);
  }

  /** SIGKILL to all that is in the cgroups of the containers that are known. */
  #killProcesses(): void {
    if (this.#known.length === 0) return;
    const killed = new Set<string>();
    for (const pid of allPids()) {
      const cgroups = cgroupsOf(pid);
      const id = this.#known.find((known) => cgroups.includes(known));
      if (id !== undefined && signal(pid)) killed.add(id);
    }
    for (const id of killed) this.#tell(id);
  }
}

function mayRunElsewhere({ Labels, State }: ContainerSummary): boolean {
  return (State === "running" || State === "paused") && parseLabels(Labels)?.requeueOnNodeLost === true;
}

/** False for what is gone, or may not be signalled: then only the engine can. */
function signal(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}
