import { ChangeRelay } from "../../agent/change-relay.ts";
import type { Memory } from "../../agent/core/input.ts";
import type { Journal } from "../../agent/journal.ts";
import { answerPeer } from "../../agent/mesh/peer-server.ts";
import { Peers } from "../../agent/mesh/peers.ts";
import { relayStream } from "../../agent/mesh/relay-stream.ts";
import { AgentShell } from "../../agent/shell.ts";
import { createStreamHost } from "../../agent/stream-host.ts";
import { Outbox } from "../../agent/uplink/outbox.ts";
import { Uplink } from "../../agent/uplink/uplink.ts";
import { silentLogger } from "../../base/logger.ts";
import { Actor } from "./actor.ts";
import { ModelDialling } from "./model-dialling.ts";
import { ModelExecutor } from "./model-executor.ts";
import type { ModelHost } from "./model-host.ts";
import type { Accept } from "./network.ts";
import type { AgentView, WorldView } from "./world-view.ts";

/** A life of the agent's process. */
interface Life {
  readonly shell: AgentShell;
  readonly uplink: Uplink;
}

/**
 * An agent's process in all of its lives: the real core in its real shell, outbox, uplink and mesh, on a model host and network.
 */
export class ModelAgent implements AgentView {
  readonly host: ModelHost;
  readonly #world: WorldView;
  /** The host's: the same in all lives. */
  readonly #clock: { readonly rate: number; readonly skewMs: number };
  #actor: Actor;
  #executor: ModelExecutor | undefined;
  #life: Life | undefined;
  /** When the newest heartbeat was sent that a leader has answered, in true time. */
  answeredFromMs = Number.NEGATIVE_INFINITY;
  /** When it heard a leader last, in true time. */
  heardAtMs = Number.NEGATIVE_INFINITY;
  /** Since when it has had its stream, and since when it has lived. */
  connectedAtMs = Number.POSITIVE_INFINITY;
  beganAtMs = Number.POSITIVE_INFINITY;

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

  get leader(): string | undefined {
    return this.#life?.uplink.leader;
  }

  get isRelayed(): boolean {
    return this.#life?.uplink.isConnected === true && this.leader === undefined;
  }

  /** What it answers a peer that asks it. */
  answer(question: { readonly cluster_id: string }) {
    const life = this.#life;
    if (!life) return undefined;
    const host = { nodeName: this.name, view: () => life.shell.mesh, leader: () => life.uplink.leader };
    return answerPeer(host, question);
  }

  /** What it does with a peer that wants to be relayed. */
  readonly acceptRelay: Accept = (server) => {
    const { leader } = this;
    if (leader === undefined) return { refusal: "this node has no stream to a leader itself" };
    this.#world.coverage.count("a stream is relayed");
    const client = new ModelDialling(this.#world, this.#actor).dial(leader).connect();
    const peer = server as unknown as Parameters<typeof relayStream>[0]["peer"] & { destroy(): void };
    relayStream({ peer, leader: client, fail: () => peer.destroy(), onOver: () => undefined });
    return undefined;
  };

  /** The process is gone at once; its host's containers go on. */
  crash(restartMs: number | undefined): void {
    if (!this.#actor.isAlive) return;
    this.#actor.isAlive = false;
    this.#executor?.abandon();
    this.#executor = undefined;
    this.#life = undefined;
    this.connectedAtMs = Number.POSITIVE_INFINITY;
    this.beganAtMs = Number.POSITIVE_INFINITY;
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
    const actor = new Actor(world.timeline, this.name, this.#clock, this.host.bootedAtMs);
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
    this.beganAtMs = world.timeline.now;
    const outbox = new Outbox();
    const shell = new AgentShell({
      executor: world.watchExecutor(this, executor),
      journal: this.#journal(actor),
      clock: actor,
      bootId: host.bootId,
      nodeName: host.name,
      report: outbox.put.bind(outbox),
      log: silentLogger,
    });
    const found = await executor.recover();
    shell.input({ kind: "recovered", wallMs: actor.wallMs(), found });
    changes.connect((key, state) => shell.input({ kind: "allocation-changed", key, state }));
    const uplink = this.#connect(actor, shell, world.watchStream(this, this.#streamHost(executor, shell, outbox)));
    this.#life = { shell, uplink };
    outbox.onNews = () => uplink.flush();
  }

  #connect(actor: Actor, shell: AgentShell, host: ReturnType<typeof createStreamHost>): Uplink {
    const { controllers, faults } = this.#world;
    const dialling = new ModelDialling(this.#world, actor);
    const uplink: Uplink = new Uplink({
      controllers: controllers.map(({ name }) => name),
      host,
      serveLogs: () => ({ close: () => Promise.resolve() }),
      relay: () => peers?.relay(),
      dialling,
      log: silentLogger,
    });
    const peers =
      this.host.peerAddress === undefined
        ? undefined
        : new Peers({
            nodeName: this.name,
            view: () => shell.mesh,
            nowMs: () => shell.nowMs(),
            isConnected: () => uplink.isConnected,
            ask: dialling.ask.bind(dialling),
            onAnswer: (peer, askedAtMs, silentMs) => shell.input({ kind: "peer-answered", peer, askedAtMs, silentMs }),
            random: () => faults.random.next(),
          });
    return uplink;
  }

  #streamHost(executor: ModelExecutor, shell: AgentShell, outbox: Outbox) {
    const { host } = this;
    const devices = { name: "simulated", reason: "", driverVersion: "", cudaVersion: "" } as const;
    return createStreamHost({
      identity: { nodeName: host.name, agentId: host.agentId, bootId: host.bootId },
      shell,
      vitals: {
        devices: host.devices,
        // The first of them is idle whatever is done on it.
        readings: host.devices.map(({ id, index }) => ({ id, utilizationPercent: index === 0 ? 0 : 50 })),
        listed: { devices: host.devices, links: [], lost: [] },
        health: { ready: true, message: "" },
        refresh: () => Promise.resolve(),
      } as never,
      looker: { look: () => Promise.resolve(), useOf: () => undefined },
      health: { missing: () => [], conditions: () => [] },
      outbox,
      inventory: {
        address: host.name,
        labels: {},
        cpuCores: 32,
        memoryMb: 256_000,
        simulatedGpus: host.devices.length,
        allowSharing: host.allowSharing,
        peerAddress: host.peerAddress,
        devices,
        executor,
      },
      log: silentLogger,
    });
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
