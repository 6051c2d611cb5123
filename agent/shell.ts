import { delay } from "../base/abort.ts";
import { unreachable } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { AllocationKey } from "../base/ids.ts";
import type { Logger } from "../base/logger.ts";
import type { Service } from "../base/service.ts";
import type { Command, Effect, Input, Memory, Report, Welcome } from "./core/input.ts";
import { helloNumber } from "./core/memory.ts";
import { type AgentState, allReports, createAgentState, knownAllocation } from "./core/state.ts";
import { step } from "./core/step.ts";
import { goneByMs, livesByPeers, silentMs } from "./core/vouching.ts";
import type { AllocationState, Executor, LaunchSpec } from "./executor/executor.ts";
import type { Journal } from "./journal.ts";

const TICK_MS = 1_000;
const PERSIST_RETRY_MS = 1_000;

export interface ShellOptions {
  readonly executor: Executor;
  readonly journal: Journal;
  /** The host's, since the boot of that id: it goes on while the agent is away. */
  readonly clock: Clock;
  readonly bootId: string;
  readonly nodeName: string;
  /** A leader must be told; called in order. */
  readonly report: (report: Report) => void;
  /** Told after each input until when jobs that may be started elsewhere may run here; undefined is without end. */
  readonly onGoneBy?: (goneByMs: number | undefined) => void;
  readonly log: Logger;
}

/** What an agent knows of leaders, and of its peers. */
export interface MeshView extends Pick<Memory, "clusterId" | "highestTerm" | "leaseMs" | "membership"> {
  /** Since the sending of what a leader has answered last. */
  readonly unansweredMs: number;
  /** Since a leader was heard last. */
  readonly silentMs: number;
}

type Unstamped<I extends Input> = I extends Input ? Omit<I, "atMs"> : never;

/** Runs the pure core: stamps its inputs with the one clock and carries out its effects. */
export class AgentShell implements Service {
  readonly #options: ShellOptions;
  readonly #state: AgentState;
  readonly #closing = new AbortController();
  readonly #ticking: NodeJS.Timeout;
  /** The newest memory that is to be written, undefined when the newest is on disk. */
  #unsaved: Memory | undefined;
  #saving: Promise<void> | undefined;
  #refusal: string | undefined;
  #hellos = 0;
  #tickedAtMs: number;
  #livesByPeers = false;
  /** Who waits for the number of this life to be on disk. */
  #onNumbered: (() => void)[] = [];

  constructor(options: ShellOptions) {
    this.#options = options;
    this.#state = createAgentState(options.journal.memory, options.clock.monotonicMs(), options);
    this.#tickedAtMs = options.clock.monotonicMs();
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    this.input({ kind: "begun" });
  }

  /** The clock that stamps inputs. */
  nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  /** How long ago leases and deadlines were looked at last: about a second, while all is well. */
  get sinceTickMs(): number {
    return this.nowMs() - this.#tickedAtMs;
  }

  /** Takes what has happened into the core and does what follows. Never throws for what an effect runs into. */
  input(input: Unstamped<Input>): void {
    for (const effect of step(this.#state, { ...input, atMs: this.nowMs() })) this.#carryOut(effect);
    this.#options.onGoneBy?.(goneByMs(this.#state));
  }

  /** Takes a leader's Welcome. Undefined when it is ours, else why not. */
  welcome(welcome: Welcome, helloSentAtMs: number): string | undefined {
    this.#refusal = undefined;
    this.input({ kind: "connected", welcome, helloSentAtMs });
    return this.#refusal;
  }

  /** Resolves when a Hello may be said: no life of this agent after this one will say one with a number that is not higher. */
  untilNumbered(): Promise<void> {
    if (this.#isNumbered || this.#closing.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.#onNumbered.push(resolve));
  }

  /** The number of the next Hello: to be taken once {@link untilNumbered} has resolved. */
  nextHello(): number {
    this.#hellos += 1;
    return helloNumber(this.#state.durable.life ?? 0, this.#hellos);
  }

  #tick(): void {
    this.input({ kind: "tick" });
    this.#tickedAtMs = this.nowMs();
    const lives = livesByPeers(this.#state, this.nowMs());
    if (lives === this.#livesByPeers) return;
    this.#livesByPeers = lives;
    if (lives) this.#options.log.warn("no leader answers, and most peers hear none: jobs go on beyond the lease");
    else this.#options.log.info("jobs go on by the lease alone again, or were stopped");
  }

  /** What this node knows of leaders and of its peers. */
  get mesh(): MeshView {
    const { durable, leaseFromMs } = this.#state;
    const { membership, clusterId, highestTerm, leaseMs } = durable;
    const nowMs = this.nowMs();
    const unansweredMs = nowMs - leaseFromMs;
    return { membership, clusterId, highestTerm, leaseMs, unansweredMs, silentMs: silentMs(this.#state, nowMs) };
  }

  get #isNumbered(): boolean {
    return this.#state.durable.life === this.#state.memory.life;
  }

  /** What a Hello tells. */
  get memory(): Memory {
    return this.#state.durable;
  }

  /** How many allocations this node knows. */
  get allocations(): number {
    return this.#state.allocations.size;
  }

  /** What the allocation was granted; nothing for one that is not known. */
  devicesOf(key: AllocationKey): readonly string[] {
    return knownAllocation(this.#state, key)?.deviceIds ?? [];
  }

  /** Every allocation that this node knows. */
  reports(): Report[] {
    return allReports(this.#state);
  }

  /** Stops the clock and waits for the disk. Jobs are left as they are. */
  async close(): Promise<void> {
    clearInterval(this.#ticking);
    this.#closing.abort();
    for (const resolve of this.#onNumbered.splice(0)) resolve();
    await this.#saving;
  }

  #carryOut(effect: Effect): void {
    const { log, executor, report } = this.#options;
    switch (effect.kind) {
      case "launch":
        return this.#launch(effect.spec);
      case "stop":
        log.info({ ...effect.key, graceMs: effect.graceMs, reason: effect.reason }, "stopping an allocation");
        return this.#attempt(effect.key, () => executor.stop(effect.key, effect.graceMs, effect.reason));
      case "release":
        return void this.#release(effect.key);
      case "report":
        return report(effect.report);
      case "persist":
        return this.#persist(effect.memory);
      case "refuse-command":
        return log.warn({ term: effect.term, ...describe(effect.command), reason: effect.why }, "refused a command");
      case "refuse-leader":
        this.#refusal = effect.why;
        return;
      default:
        unreachable(effect);
    }
  }

  #launch(spec: LaunchSpec): void {
    const { log, executor } = this.#options;
    log.info({ ...spec.key, devices: spec.deviceIds, image: spec.image }, "launching an allocation");
    try {
      executor.launch(spec);
    } catch (error) {
      log.error({ err: error, ...spec.key }, "the executor failed to launch an allocation");
      const end = { kind: "node", message: `the node could not start it: ${messageOf(error)}` } as const;
      const endedAtMs = this.#options.clock.wallMs();
      const state: AllocationState = { phase: "ended", startedAtMs: undefined, endedAtMs, end };
      this.input({ kind: "allocation-changed", key: spec.key, state });
    }
  }

  #attempt(key: AllocationKey, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#options.log.error({ err: error, ...key }, "the executor failed");
    }
  }

  async #release(key: AllocationKey): Promise<void> {
    let done = false;
    try {
      await this.#options.executor.release(key);
      done = true;
    } catch (error) {
      this.#options.log.warn({ err: error, ...key }, "an allocation could not be released yet");
    }
    this.input({ kind: "released", key, done });
  }

  /** Writes the newest memory, again and again until the disk takes it: until then no command of its term is obeyed. */
  #persist(memory: Memory): void {
    this.#unsaved = memory;
    this.#saving ??= this.#saveAll();
  }

  async #saveAll(): Promise<void> {
    const { journal, log } = this.#options;
    while (this.#unsaved && !this.#closing.signal.aborted) {
      const memory = this.#unsaved;
      try {
        await journal.save(memory);
        if (this.#unsaved === memory) this.#unsaved = undefined;
        this.input({ kind: "persisted", memory });
        if (this.#isNumbered) for (const resolve of this.#onNumbered.splice(0)) resolve();
      } catch (error) {
        log.error({ err: error }, "the agent's journal cannot be written: no new leader is obeyed until it can");
        await delay(PERSIST_RETRY_MS, this.#closing.signal);
      }
    }
    this.#saving = undefined;
  }
}

function describe(command: Command): Record<string, unknown> {
  return { command: command.kind, ...(command.kind === "launch" ? command.spec.key : command.key) };
}
