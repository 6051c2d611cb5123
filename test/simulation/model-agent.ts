import { ChangeRelay } from "../../agent/change-relay.ts";
import type { Memory } from "../../agent/core/input.ts";
import type { Journal } from "../../agent/journal.ts";
import { AgentShell } from "../../agent/shell.ts";
import { createStreamHost } from "../../agent/stream-host.ts";
import { ControlStream } from "../../agent/uplink/control-stream.ts";
import { Controllers } from "../../agent/uplink/controllers.ts";
import { Outbox } from "../../agent/uplink/outbox.ts";
import { exponentialBackoffMs, withJitter } from "../../base/backoff.ts";
import { silentLogger } from "../../base/logger.ts";
import { Actor } from "./actor.ts";
import { ModelExecutor } from "./model-executor.ts";
import type { ModelHost } from "./model-host.ts";
import type { AgentView, WorldView } from "./world-view.ts";

const HEARTBEAT_MS = 5_000;
const WELCOME_MS = 10_000;
const REJECTED_RETRY_MS = 30_000;
const BACKOFF_MS = 400;
const MAX_BACKOFF_MS = 5_000;

/**
 * An agent's process in all of its lives: the real core in its real shell, outbox and stream, on a model host and network.
 * Of an agent only its way of dialling is the simulator's own; the mesh of agents will send through the same network.
 */
export class ModelAgent implements AgentView {
  readonly host: ModelHost;
  readonly #world: WorldView;
  /** The host's: the same in all lives. */
  readonly #clock: { readonly rate: number; readonly skewMs: number };
  #actor: Actor;
  #executor: ModelExecutor | undefined;
  #stream: ControlStream | undefined;
  /** When the newest heartbeat was sent that a leader has answered, in true time. */
  answeredFromMs = Number.NEGATIVE_INFINITY;

  constructor(world: WorldView, host: ModelHost) {
    this.#world = world;
    this.host = host;
    this.#clock = world.faults.drawClock();
    this.#actor = this.#begin();
  }

  get actor(): Actor {
    return this.#actor;
  }

  get name(): string {
    return this.host.name;
  }

  /** The process is gone at once; its host's containers go on. */
  crash(restartMs: number | undefined): void {
    if (!this.#actor.isAlive) return;
    this.#actor.isAlive = false;
    this.#executor?.abandon();
    this.#executor = undefined;
    this.#world.network.onDeath(this.#actor);
    if (restartMs === undefined) return;
    this.#world.timeline.after(restartMs, undefined, `${this.name} starts`, () => {
      if (!this.host.isGone && !this.#actor.isAlive) this.#actor = this.#begin();
    });
  }

  /** The whole host goes down, for good unless it is to be back after so many milliseconds. */
  reboot(restartMs: number | undefined): void {
    const wasAlive = this.#actor.isAlive;
    this.crash(wasAlive ? restartMs : undefined);
    this.host.isGone = restartMs === undefined;
    this.host.reboot();
  }

  #begin(): Actor {
    const world = this.#world;
    const actor = new Actor(world.timeline, this.name, this.#clock);
    actor.after(world.faults.random.next() * 500, "starts", () => void this.#live(actor));
    return actor;
  }

  async #live(actor: Actor): Promise<void> {
    const world = this.#world;
    const { host } = this;
    world.watchBegin(this);
    const changes = new ChangeRelay();
    const executor = new ModelExecutor(world, host, actor, changes.listener);
    this.#executor = executor;
    const outbox = new Outbox();
    const journal = this.#journal(actor);
    const watched = world.watchExecutor(this, executor);
    const report = outbox.put.bind(outbox);
    const shell = new AgentShell({
      executor: watched,
      journal,
      clock: actor,
      bootId: host.bootId,
      nodeName: host.name,
      report,
      log: silentLogger,
    });
    shell.input({ kind: "recovered", found: await executor.recover() });
    changes.connect((key, state) => shell.input({ kind: "allocation-changed", key, state }));
    outbox.onNews = () => this.#stream?.flush();
    await this.#dial(actor, this.#streamHost(executor, shell, outbox));
  }

  #streamHost(executor: ModelExecutor, shell: AgentShell, outbox: Outbox) {
    const { host } = this;
    const devices = { name: "simulated", reason: "", driverVersion: "" } as const;
    const streamHost = createStreamHost({
      identity: { nodeName: host.name, agentId: host.agentId, bootId: host.bootId },
      shell,
      vitals: {
        devices: host.devices,
        readings: [],
        health: { ready: true, message: "" },
        refresh: () => Promise.resolve(),
      } as never,
      outbox,
      inventory: {
        address: host.name,
        labels: {},
        cpuCores: 32,
        memoryMb: 256_000,
        simulatedGpus: host.devices.length,
        allowSharing: host.allowSharing,
        devices,
        executor,
      },
      log: silentLogger,
    });
    return this.#world.watchStream(this, streamHost);
  }

  /** Dials as the uplink does, one stream after another. */
  async #dial(actor: Actor, host: ReturnType<typeof createStreamHost>): Promise<void> {
    const { controllers, network, faults } = this.#world;
    const addresses = new Controllers(controllers.map(({ name }) => name));
    const never = new AbortController().signal;
    for (let retry = 0; ; ) {
      await host.ready();
      const address = addresses.next();
      const controller = controllers.find(({ name }) => name === address);
      if (!controller) throw new Error(`no controller ${address}`);
      const connect = () => network.connect(actor, controller.actor, [actor.name, address], controller.accept).client;
      const onWelcomed = () => addresses.welcomed();
      const client = { connect } as never;
      const stream = new ControlStream({ client, host, heartbeatMs: HEARTBEAT_MS, onWelcomed, log: silentLogger });
      this.#stream = stream;
      const end = await stream.run(WELCOME_MS, never);
      this.#stream = undefined;
      host.onDisconnected();
      if (end.welcomed) retry = 0;
      const backoffMs = exponentialBackoffMs(retry++, BACKOFF_MS, MAX_BACKOFF_MS);
      if (end.permanent) await sleep(REJECTED_RETRY_MS);
      else if (!addresses.follow(end.leader, address)) await sleep(withJitter(backoffMs, () => faults.random.next()));
    }
  }

  /** The agent's memory on its host's disk: durable once it is answered, or a moment before. */
  #journal(actor: Actor): Journal {
    const { host } = this;
    const { faults, timeline } = this.#world;
    const journal = {
      agentId: host.agentId,
      memory: host.memory,
      save: (memory: Memory) =>
        new Promise<void>((resolve) => {
          timeline.after(faults.random.next() * faults.maxSyncMs, actor, "its journal is written", () => {
            host.memory = memory;
            actor.after(1, "its journal is durable", resolve);
          });
        }),
    };
    return journal as unknown as Journal;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
