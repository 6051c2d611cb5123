import type { EventEmitter } from "node:events";
import { InvariantError } from "../../base/assert.ts";
import { silentLogger } from "../../base/logger.ts";
import { Loop } from "../../controller/loop/loop.ts";
import { AgentLinks } from "../../controller/rpc/agent-links.ts";
import { agentService } from "../../controller/rpc/agent-service.ts";
import type { Settings } from "../../controller/core/model/state.ts";
import type { Effect } from "../../controller/core/output.ts";
import { Actor, type Scheduled } from "./actor.ts";
import { LEADER_TTL_MS, type Leadership } from "./model-store.ts";
import type { Accept } from "./network.ts";
import type { ControllerView, WorldView } from "./world-view.ts";

const CAMPAIGN_EVERY_MS = 1_000;
const RENEW_EVERY_MS = LEADER_TTL_MS / 4;

/** What a term is made of. */
interface Leading {
  readonly loop: Loop;
  readonly links: AgentLinks;
  readonly leadership: Leadership;
}

/**
 * A controller's process in all of its lives: campaigns, and once it leads runs the real loop, the real service for agents
 * and the real links to them on the model store and network. It ends as the real one does when its term is over.
 */
export class ModelController implements ControllerView {
  readonly name: string;
  readonly #world: WorldView;
  readonly #settings: Settings;
  /** The host's: the same in all lives. */
  readonly #clock: { readonly rate: number; readonly skewMs: number };
  #actor: Actor;
  #leading: Leading | undefined;
  #restart: Scheduled | undefined;

  constructor(world: WorldView, name: string, settings: Settings) {
    this.#world = world;
    this.name = name;
    this.#settings = settings;
    this.#clock = world.faults.drawClock();
    this.#actor = this.#begin();
  }

  /** Its life now. */
  get actor(): Actor {
    return this.#actor;
  }

  /** The loop of a term that it believes in. */
  get loop(): Loop | undefined {
    return this.#actor.isAlive ? this.#leading?.loop : undefined;
  }

  get leadership(): Leadership | undefined {
    return this.#actor.isAlive ? this.#leading?.leadership : undefined;
  }

  /** What it does with an agent that dials it. */
  readonly accept: Accept = (server: EventEmitter) => {
    const { world, leading } = { world: this.#world, leading: this.#leading };
    if (!leading) {
      const leader = world.controllers.find(({ loop }) => loop !== undefined)?.name;
      return { refusal: "this controller does not lead", ...(leader === undefined ? {} : { leader }) };
    }
    const service = agentService(leading.loop, leading.links, undefined as never, silentLogger);
    service.Connect(server as never);
    return undefined;
  };

  /** The process is gone at once, and comes back after so many milliseconds. */
  crash(restartMs: number): void {
    if (!this.#actor.isAlive) return;
    this.#actor.isAlive = false;
    this.#leading = undefined;
    this.#world.network.onDeath(this.#actor);
    this.#restart = this.#world.timeline.after(restartMs, undefined, `${this.name} starts`, () => {
      this.#actor = this.#begin();
    });
  }

  /** Whoever is away is back at once. */
  revive(): void {
    if (this.#actor.isAlive) return;
    this.#restart?.cancel();
    this.#actor = this.#begin();
  }

  /** Ends as on SIGTERM: the batch in flight is finished, the lead given up. */
  shutDown(restartMs: number): void {
    const { leading, actor } = { leading: this.#leading, actor: this.#actor };
    if (!actor.isAlive) return;
    actor.after(0, "shuts down", () => {
      const closed = leading ? leading.loop.close().then(() => leading.leadership.close()) : Promise.resolve();
      void closed.then(() => this.crash(restartMs));
    });
  }

  #begin(): Actor {
    const { timeline, faults } = this.#world;
    const actor = new Actor(timeline, this.name, this.#clock);
    actor.after(faults.random.next() * CAMPAIGN_EVERY_MS, "campaigns", () => void this.#campaign(actor));
    return actor;
  }

  async #campaign(actor: Actor): Promise<void> {
    const leadership = await this.#world.store.campaign(actor).catch(() => undefined);
    if (leadership?.isSure) await this.#lead(actor, leadership).catch((error: unknown) => this.#end(actor, error));
    else actor.after(CAMPAIGN_EVERY_MS / actor.clockRate, "campaigns", () => void this.#campaign(actor));
  }

  async #lead(actor: Actor, leadership: Leadership): Promise<void> {
    const world = this.#world;
    world.coverage.count("term");
    this.#keepLeading(actor, leadership);
    const links = new AgentLinks();
    const loop: Loop = await Loop.start({
      store: leadership,
      settings: this.#settings,
      clock: actor,
      log: silentLogger,
      carryOut: (effect) => this.#carryOut(actor, effect, { loop, links, leadership }),
      onTermEnd: (error) => this.#end(actor, error),
      checkEveryBatch: true,
    });
    const loaded = await loop.read(({ jobs, specs }) => ({ jobs: new Map(jobs), specs: new Map(specs) }));
    world.ledger.checkLoaded(leadership.term, loaded);
    this.#leading = { loop, links, leadership };
    world.trace.note(world.timeline.now, this.name, () => `leads term ${leadership.term}`);
  }

  #keepLeading(actor: Actor, leadership: Leadership): void {
    if (leadership.kind === "sqlite") return;
    const look = async () => {
      const isOurs = await leadership.renew();
      if (!isOurs || !leadership.isSure) this.#end(actor, new Error("the lead is lost"));
    };
    const again = () => {
      actor.after(RENEW_EVERY_MS / actor.clockRate, "renews its lead", () => {
        if (!leadership.isSure) return this.#end(actor, new Error("the lead is not sure any more"));
        void look();
        again();
      });
    };
    again();
  }

  /** Effects leave only while the lead is sure: an acknowledged heartbeat prolongs a lease. */
  #carryOut(actor: Actor, effect: Effect, leading: Leading): void {
    const { loop, links, leadership } = leading;
    if (!leadership.isSure) return this.#end(actor, new Error("the lead is not sure any more"));
    this.#checkLead(leadership.term, effect);
    this.#world.ledger.checkEffect(effect, this.name);
    this.#world.coverage.count(`effect: ${effect.kind}`);
    if (effect.kind === "alarm") this.#world.trace.note(this.#world.timeline.now, this.name, () => effect.message);
    const { clusterId, term, revision } = loop;
    links.carryOut(effect, { clusterId, term, revision, settings: this.#settings });
  }

  /** What prolongs an agent's lease is not said any more when another has long been elected. */
  #checkLead(term: number, { kind }: Effect): void {
    const sinceMs = this.#world.store.supersededForMs(term);
    if ((kind !== "heartbeat-ack" && kind !== "welcome") || sinceMs <= LEADER_TTL_MS) return;
    this.#world.violate(`${this.name} prolongs a lease in term ${term}, ${sinceMs} ms after the election of another`);
  }

  /** The term is over: the process ends, and is started again. */
  #end(actor: Actor, error: unknown): void {
    if (!actor.isAlive) return;
    const message = error instanceof Error ? error.message : String(error);
    const world = this.#world;
    if (error instanceof InvariantError || error instanceof TypeError) world.violate(`${this.name}: ${message}`);
    world.coverage.count("term ended by failure");
    world.trace.note(world.timeline.now, this.name, () => `its term is over: ${message}`);
    this.crash(500 + world.faults.random.next() * 2_000);
  }
}
