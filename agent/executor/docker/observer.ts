import { messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/logger.ts";
import type { AllocationKey } from "../../../base/ids.ts";
import { allocationName } from "../../../base/ids.ts";
import type { AllocationListener, AllocationState } from "../executor.ts";
import { Allocation, type AllocationFacts } from "./allocation.ts";
import { REMOVED, stateOf } from "./container-state.ts";
import type { Discards } from "./discards.ts";
import type { ContainerDetails, EngineClient } from "./engine-client.ts";
import type { EngineEvent } from "./engine-facts.ts";
import { initFailure } from "./failures.ts";
import { agentLabel, type ContainerOwner, parseLabels } from "./labels.ts";
import { lastOutput } from "./output.ts";
import { Slots } from "./slots.ts";

const MAX_INSPECTING = 8;
const REASON_DEADLINE_MS = 5_000;

export interface ObserverOptions {
  readonly engine: EngineClient;
  readonly discards: Discards;
  readonly owner: ContainerOwner;
  readonly closing: AbortSignal;
  readonly log: Logger;
  readonly onChange: AllocationListener;
  /** Runs what an event sets off. */
  background(task: Promise<void>): void;
}

/** The allocations of this agent, and what the engine says of their containers. */
export class Observer {
  readonly #options: ObserverOptions;
  /** By allocation name. */
  readonly #allocations = new Map<string, Allocation>();
  readonly #slots = new Slots(MAX_INSPECTING);
  /** Allocations whose container is being looked at; true when it must be looked at again. */
  readonly #refreshing = new Map<Allocation, boolean>();

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  get(key: AllocationKey): Allocation | undefined {
    return this.#allocations.get(allocationName(key));
  }

  all(): readonly Allocation[] {
    return [...this.#allocations.values()];
  }

  /** Follows an allocation from now on. */
  add(facts: AllocationFacts, state: AllocationState): Allocation {
    const allocation = new Allocation(facts, state, (key, next) => {
      if (!this.#options.closing.aborted) this.#options.onChange(key, next);
    });
    this.#allocations.set(allocation.name, allocation);
    return allocation;
  }

  forget(key: AllocationKey): void {
    this.#allocations.delete(allocationName(key));
  }

  /** Follows every container of this agent that the engine has. */
  async recover(): Promise<void> {
    const listed = await this.#options.engine.list(agentLabel(this.#options.owner.agentId));
    await Promise.all(listed.map(({ Id }) => this.#slots.run(() => this.#takeOver(Id))));
  }

  async #takeOver(containerId: string): Promise<void> {
    const { engine, owner, log } = this.#options;
    const details = await engine.inspect(containerId);
    const labels = details && parseLabels(details.Config.Labels);
    if (!details || !labels || this.get(labels.key)) return;
    const facts = { ...labels, isFromEarlierBoot: labels.bootId !== owner.bootId };
    if (details.State.Status === "created") {
      // A start that is still on its way has come first, and the container stays, or can do nothing any more.
      if (!(await engine.removeUnlessRunning(containerId))) return await this.#takeOver(containerId);
      const message = "the agent was restarted before the container was started";
      this.add(facts, { phase: "starting", message: "starting" }).neverRan({ kind: "node", message });
      return;
    }
    const allocation = this.add(facts, { phase: "starting", message: "starting" });
    allocation.containerId = containerId;
    await this.#take(allocation, details);
    log.info({ allocation: allocation.name, phase: allocation.state.phase }, "adopted");
  }

  /** Takes the container's present state into the allocation; false when it was never started. */
  async observe(allocation: Allocation): Promise<boolean> {
    const details = await this.#options.engine.inspect(allocation.containerId ?? allocation.containerName);
    if (details) return await this.#take(allocation, details);
    const { state } = allocation;
    const startedAtMs = state.phase === "running" ? state.startedAtMs : undefined;
    allocation.become({ phase: "ended", startedAtMs, endedAtMs: Date.now(), end: REMOVED });
    return true;
  }

  async #take(allocation: Allocation, details: ContainerDetails): Promise<boolean> {
    allocation.containerId = details.Id;
    const { isFromEarlierBoot } = allocation.facts;
    const { sawOutOfMemory, stopSignal } = allocation;
    const observed = { details, sawOutOfMemory, isFromEarlierBoot, isStopping: stopSignal.aborted };
    const state = stateOf(observed, Date.now());
    if (state.phase === "starting") return false;
    const end = state.phase === "ended" ? (allocation.forcedEnd ?? (await this.#whyNotRun(details))) : undefined;
    allocation.become(state.phase === "ended" && end ? { ...state, end } : state);
    return true;
  }

  /** With Docker's own init in front, a command that cannot be run looks like one that ended with 126 or 127. */
  async #whyNotRun(details: ContainerDetails): Promise<ReturnType<typeof initFailure>> {
    const { ExitCode: code } = details.State;
    if (details.HostConfig.Init !== true || (code !== 126 && code !== 127)) return undefined;
    try {
      const { engine } = this.#options;
      return initFailure(await lastOutput(engine, details.Id, AbortSignal.timeout(REASON_DEADLINE_MS)));
    } catch (error) {
      this.#options.log.warn({ err: error }, "output not read for the reason of an exit code");
      return undefined;
    }
  }

  /** Looks at the container, once more if it is asked to meanwhile. Never rejects: a silent engine will be asked again. */
  async refresh(allocation: Allocation): Promise<void> {
    if (this.#refreshing.has(allocation)) {
      this.#refreshing.set(allocation, true);
      return;
    }
    try {
      do {
        this.#refreshing.set(allocation, false);
        if (!allocation.isLaunching && !allocation.hasEnded) await this.observe(allocation);
      } while (this.#refreshing.get(allocation));
    } catch (error) {
      this.#options.log.warn({ problem: messageOf(error), allocation: allocation.name }, "container not inspected");
    } finally {
      this.#refreshing.delete(allocation);
    }
  }

  onEvent(event: EngineEvent): void {
    const name = event.Actor?.Attributes?.["name"] ?? "";
    if (event.Action === "create" && this.#options.discards.has(name)) {
      this.#options.background(this.#options.discards.remove(name));
      return;
    }
    const allocation = this.all().find((it) => it.containerName === name);
    if (!allocation || allocation.hasEnded) return;
    if (event.Action === "oom") allocation.sawOutOfMemory = true;
    else this.#options.background(this.refresh(allocation));
  }

  /** Compares what is known with what the engine has. */
  async reconcile(): Promise<void> {
    const { engine, owner, discards } = this.#options;
    const running = new Set<string>();
    for (const { Names, State } of await engine.list(agentLabel(owner.agentId))) {
      const name = (Names[0] ?? "").replace(/^\//, "");
      if (discards.has(name)) await discards.remove(name);
      else if (State === "running") running.add(name);
    }
    const changed = this.all().filter((it) => {
      const isSettled = it.state.phase === "running" && running.has(it.containerName);
      return !it.hasEnded && !it.isLaunching && !isSettled;
    });
    await Promise.all(changed.map((it) => this.#slots.run(() => this.refresh(it))));
  }
}
