import { LEADER_TTL_MS } from "./model-store.ts";
import { FAULTS, type FaultKind } from "./faults.ts";
import { type Path, Splits } from "./splits.ts";
import type { AgentView, WorldView } from "./world-view.ts";

/** How long an agent may stand still or be away at a time: what is left of its lease's margins when both clocks are at their worst. */
const AGENT_AWAY_MS = 3_000;
/** And not soon again: what it missed adds up. */
const AGENT_THERE_MS = 60_000;

/** How long a host is off of which an operator says so. */
const OFF_MS = { least: 20_000, most: 50_000 };

/** Does to the world what the seed's faults say, until they are over. */
export class Nemesis {
  readonly #world: WorldView;
  readonly #acts: Readonly<Record<FaultKind, () => void>>;
  /** When each agent was last away. */
  readonly #awayAtMs = new Map<AgentView, number>();

  constructor(world: WorldView) {
    this.#world = world;
    const splits = new Splits(world);
    this.#acts = {
      "controller crash": () => this.#controller()?.crash(this.#ms(500, 8_000)),
      "controller restart": () => this.#controller()?.shutDown(this.#ms(500, 3_000)),
      "controller pause": () => this.#pauseController(),
      "agent crash": () => this.#steadyAgent()?.crash(this.#ms(200, AGENT_AWAY_MS)),
      "agent pause": () => this.#pauseAgent(),
      reboot: () => this.#agent()?.reboot(this.#ms(5_000, 90_000)),
      "node leaves for good": () => this.#removeNode(),
      "host confirmed dead": () => this.#confirmDead(),
      "node joins": () => world.addNode(),
      "stream breaks": () => this.#breakStream(),
      "partition of an agent": () => this.#cutAgent(["to", "from"]),
      "one-way partition of an agent": () => this.#cutAgent([world.faults.random.next() < 0.5 ? "to" : "from"]),
      "agent crash while it is cut off": () => this.#crashCutOffAgent(),
      "partition between agents": () => this.#cutAgents(),
      "split of the cluster": () => splits.split(),
      "split that moves": () => splits.splitThatMoves(),
      "split as nodes join": () => splits.splitAsNodesJoin(),
      "leader's words lost": () => splits.loseWords(),
      "no controllers": () => this.#stopControllers(),
      "controller cut off from the store": () => this.#cutController(),
      "store without a majority": () => this.#stopStore(),
      "leader's lease lost": () => world.store.kind === "etcd" && world.store.revokeLease(),
      "store full": () => this.#fillStore(),
      "tenant changes": () => world.clients.changeTenant(),
      cancellation: () => world.clients.cancel(),
    };
    for (const kind of Object.keys(FAULTS) as FaultKind[]) this.#arm(kind);
  }

  #arm(kind: FaultKind): void {
    const { faults, timeline, coverage } = this.#world;
    const waitMs = faults.nextMs(kind);
    if (waitMs === undefined) return;
    timeline.after(waitMs, undefined, kind, () => {
      if (faults.isOver) return;
      coverage.count(`fault: ${kind}`);
      this.#acts[kind]();
      this.#arm(kind);
    });
  }

  #ms(least: number, most: number): number {
    return least + this.#world.faults.random.next() * (most - least);
  }

  #agent(): AgentView | undefined {
    return this.#world.faults.random.pick(this.#world.agents.filter(({ host }) => !host.isGone));
  }

  /** One that has been there for a while. */
  #steadyAgent(): AgentView | undefined {
    const agent = this.#agent();
    const { now } = this.#world.timeline;
    if (!agent || now - (this.#awayAtMs.get(agent) ?? Number.NEGATIVE_INFINITY) < AGENT_THERE_MS) return undefined;
    this.#awayAtMs.set(agent, now);
    return agent;
  }

  /** The one that leads, more often than not. */
  #controller() {
    const { controllers, faults } = this.#world;
    const leader = controllers.find(({ loop }) => loop !== undefined);
    return leader && faults.random.next() < 0.7 ? leader : faults.random.pick(controllers);
  }

  /** Often the newest: what breaks once mostly breaks again. */
  #breakStream(): void {
    const { random } = this.#world.faults;
    const { streams } = this.#world.network;
    const stream = random.next() < 0.4 ? streams.at(-1) : random.pick(streams);
    stream?.drop();
  }

  #pauseController(): void {
    const controller = this.#controller();
    if (!controller) return;
    controller.actor.pausedUntilMs = this.#world.timeline.now + this.#ms(100, 3 * LEADER_TTL_MS);
  }

  #pauseAgent(): void {
    const agent = this.#steadyAgent();
    if (agent) agent.actor.pausedUntilMs = this.#world.timeline.now + this.#ms(100, AGENT_AWAY_MS);
  }

  #removeNode(): void {
    if (this.#world.agents.filter(({ host }) => !host.isGone).length > 2) this.#agent()?.reboot(undefined);
  }

  /** An operator says it only of a host that is off: one that is gone, or will not be back before the word has arrived. */
  #confirmDead(): void {
    const { agents, clients, timeline, faults } = this.#world;
    const agent = faults.random.pick(agents.filter(({ host, actor }) => host.isGone || actor.isAlive));
    if (!agent) return;
    const offMs = this.#ms(OFF_MS.least, OFF_MS.most);
    if (!agent.host.isGone) agent.reboot(offMs);
    const saidAfterMs = this.#ms(OFF_MS.least / 2, offMs);
    timeline.after(saidAfterMs, undefined, "an operator has looked", () => {
      if (!agent.actor.isAlive) clients.confirmDead(agent.name);
    });
  }

  /** Between an agent and one controller, or all of them. */
  #cutAgent(directions: readonly ("to" | "from")[]): void {
    const { controllers, network, timeline, faults } = this.#world;
    const agent = this.#agent();
    if (!agent) return;
    const some = faults.random.next() < 0.3 ? [this.#controller() ?? controllers[0]] : controllers;
    const pairs = some.flatMap((controller) => {
      const name = controller?.name ?? "";
      return directions.map((direction): Path => (direction === "to" ? [name, agent.name] : [agent.name, name]));
    });
    for (const pair of pairs) network.block(...pair);
    // Short ones pass unnoticed, long ones outlive the lease.
    const longMs = faults.random.next() < 0.5 ? 30_000 : 120_000;
    timeline.after(this.#ms(500, longMs), undefined, `${agent.name} is reached again`, () => {
      for (const pair of pairs) network.unblock(...pair);
    });
  }

  /** For longer than its lease, with a restart in the midst of it. */
  #crashCutOffAgent(): void {
    const { controllers, network, timeline } = this.#world;
    const agent = this.#steadyAgent();
    if (!agent) return;
    const pairs = controllers.flatMap(({ name }): Path[] => [
      [name, agent.name],
      [agent.name, name],
    ]);
    for (const pair of pairs) network.block(...pair);
    const ms = this.#ms(60_000, 120_000);
    const crashMs = ms * this.#ms(0.1, 0.9);
    this.#awayAtMs.set(agent, timeline.now + crashMs);
    timeline.after(crashMs, undefined, `${agent.name} crashes`, () => agent.crash(this.#ms(200, AGENT_AWAY_MS)));
    timeline.after(ms, undefined, `${agent.name} is reached again`, () => {
      for (const pair of pairs) network.unblock(...pair);
    });
  }

  /** Two agents that do not reach each other, or only one the other, while both reach the controllers. */
  #cutAgents(): void {
    const [one, other] = [this.#agent(), this.#agent()];
    if (!one || !other || one === other) return;
    const there: Path = [one.name, other.name];
    const back: Path = [other.name, one.name];
    this.#block(this.#world.faults.random.next() < 0.5 ? [there] : [there, back], this.#ms(5_000, 120_000));
  }

  /** For longer than a lease, often. */
  #stopControllers(): void {
    const ms = this.#ms(20_000, 150_000);
    for (const controller of this.#world.controllers) controller.crash(ms + this.#ms(0, 5_000));
  }

  #block(pairs: readonly Path[], ms: number): void {
    const { network, timeline } = this.#world;
    for (const pair of pairs) network.block(...pair);
    timeline.after(ms, undefined, `${pairs[0]?.join(" reaches ")} again`, () => {
      for (const pair of pairs) network.unblock(...pair);
    });
  }

  #cutController(): void {
    const { network, timeline, faults } = this.#world;
    const controller = this.#controller();
    if (!controller) return;
    const way = faults.random.next();
    const there: Path = [controller.name, "store"];
    const back: Path = ["store", controller.name];
    const pairs = way < 0.5 ? [there, back] : way < 0.75 ? [there] : [back];
    for (const pair of pairs) network.block(...pair);
    const longMs = faults.random.next() < 0.5 ? 15_000 : 120_000;
    timeline.after(this.#ms(500, longMs), undefined, `${controller.name} reaches the store again`, () => {
      for (const pair of pairs) network.unblock(...pair);
    });
  }

  /** Often for longer than a lease. */
  #fillStore(): void {
    const { store, timeline } = this.#world;
    if (store.kind !== "etcd") return;
    store.isFull = true;
    timeline.after(this.#ms(500, 120_000), undefined, "the store has room again", () => {
      store.isFull = false;
    });
  }

  #stopStore(): void {
    const { store, timeline } = this.#world;
    store.isDown = true;
    timeline.after(this.#ms(500, 30_000), undefined, "the store answers again", () => {
      store.isDown = false;
    });
  }
}
