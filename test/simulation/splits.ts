import type { WorldView } from "./world-view.ts";

/** From one name to another: nothing gets through. */
export type Path = readonly [from: string, to: string];

/** Nodes that join are members this soon: the leader issues a new membership at most every ten seconds. */
const MEMBERS_MS = 11_000;
/** Within this time a connection on which nothing comes back is not given up yet. */
const UNNOTICED_MS = 13_000;

/** Splits of the whole cluster, which are more than two parties that do not reach each other. */
export class Splits {
  readonly #world: WorldView;

  constructor(world: WorldView) {
    this.#world = world;
  }

  /** All that there is, in two parts, each on its own; sometimes one of them still hears what the other says. Nodes may join meanwhile. */
  split(): void {
    const { faults } = this.#world;
    const ms = this.#ms(40_000, 240_000);
    this.#block(this.#between(this.#drawPart(), faults.random.next() < 0.2), ms);
    const joining = faults.random.next() < 0.5 ? faults.random.between(1, 4) : 0;
    for (let count = 0; count < joining; count += 1) this.#joinIn(this.#ms(1_000, ms / 2));
  }

  /** First the cluster is without what leads it, or in other parts; then the boundary moves. */
  splitThatMoves(): void {
    const { faults, timeline } = this.#world;
    const firstMs = this.#ms(15_000, 60_000);
    const first = faults.random.next() < 0.5 ? this.#rulers() : this.#drawPart();
    this.#block(this.#between(first, false), firstMs);
    timeline.after(firstMs - 1, undefined, "the boundary moves", () => {
      if (faults.isOver) return;
      const paths = faults.random.next() < 0.5 ? this.#between(this.#drawPart(), false) : this.#withBridge();
      this.#block(paths, this.#ms(40_000, 160_000));
    });
  }

  /**
   * What some nodes say does not get through any more, though they hear the leader; then they are cut off with the nodes that
   * have joined meanwhile, so many that they are the most of the new membership together.
   */
  splitAsNodesJoin(): void {
    const { agents, faults, network, timeline } = this.#world;
    const there = agents.filter(({ host }) => !host.isGone).map(({ name }) => name);
    const cutOff = faults.random.shuffle(there).slice(0, Math.max(1, Math.floor((there.length - 1) / 2)));
    const rulers = this.#rulers();
    const known = new Set(agents.map(({ name }) => name));
    for (let count = there.length - 2 * cutOff.length + 1; count > 0; count -= 1) this.#joinIn(this.#ms(0, 1_000));
    const silentMs = this.#ms(2_000, MEMBERS_MS);
    timeline.after(silentMs, undefined, "nodes are not heard", () => {
      const words = cutOff.flatMap((from) => rulers.map((to): Path => [from, to]));
      for (const path of words) network.block(...path);
      timeline.after(this.#ms(MEMBERS_MS / 2, UNNOTICED_MS), undefined, "they are cut off", () => {
        const joined = agents.map(({ name }) => name).filter((name) => !known.has(name));
        if (!faults.isOver) this.#block(this.#between([...cutOff, ...joined], false), this.#ms(80_000, 160_000));
        for (const path of words) network.unblock(...path);
      });
    });
  }

  /** A node is alone for nearly as long as its lease; when it reaches the others again, they hear no controller, but are heard. */
  loseWords(): void {
    const { agents, faults, timeline } = this.#world;
    const alone = faults.random.pick(agents.filter(({ host }) => !host.isGone))?.name;
    if (alone === undefined) return;
    const aloneMs = this.#ms(25_000, 50_000);
    this.#block(this.#between([alone], false), aloneMs);
    // A moment before: what waits to be said to the controllers must not get through between the two.
    timeline.after(aloneMs - 1, undefined, "the controllers' words are lost", () => {
      if (faults.isOver) return;
      const rulers = this.#rulers();
      const names = agents.map(({ name }) => name);
      const words = rulers.flatMap((from) => names.map((to): Path => [from, to]));
      this.#block([...words, ...rulers.map((to): Path => [alone, to])], this.#ms(15_000, 60_000));
    });
  }

  #ms(least: number, most: number): number {
    return least + this.#world.faults.random.next() * (most - least);
  }

  #joinIn(ms: number): void {
    this.#world.timeline.after(ms, undefined, "a node joins during a split", () => this.#world.addNode());
  }

  #rulers(): string[] {
    const { controllers, store } = this.#world;
    return [...controllers.map(({ name }) => name), ...(store.kind === "etcd" ? ["store"] : [])];
  }

  /** All paths between the part and the rest; in one direction, what the part says. */
  #between(names: readonly string[], isOneWay: boolean): Path[] {
    const part = new Set(names);
    const rest = [...this.#world.agents.map(({ name }) => name), ...this.#rulers()].filter((name) => !part.has(name));
    const there = [...part].flatMap((from) => rest.map((to): Path => [from, to]));
    return isOneWay ? there : [...there, ...there.map(([from, to]): Path => [to, from])];
  }

  /** Few nodes are left to those that lead, and one of these is reached by some of the others: it relays them, and they nobody. */
  #withBridge(): Path[] {
    const { random } = this.#world.faults;
    const part = this.#drawPart("few");
    const bridge = part[0];
    const reach = new Set(this.#world.agents.map(({ name }) => name).filter(() => random.next() < 0.5));
    return this.#between(part, false).filter(
      ([from, to]) => !(from === bridge && reach.has(to)) && !(to === bridge && reach.has(from)),
    );
  }

  #block(paths: readonly Path[], ms: number): void {
    const { network, timeline } = this.#world;
    for (const path of paths) network.block(...path);
    timeline.after(ms, undefined, "the cluster is whole again", () => {
      for (const path of paths) network.unblock(...path);
    });
  }

  /** Who is on one side: anybody, or all that is needed to lead with most of the nodes, or with few of them. */
  #drawPart(chosen?: "few"): readonly string[] {
    const { random } = this.#world.faults;
    const rulers = this.#rulers();
    const names = this.#world.agents.map(({ name }) => name);
    const kind = chosen ?? random.pick(["any", "most", "few"] as const);
    const share = random.next();
    if (kind === "any") return [...names, ...rulers].filter(() => random.next() < share);
    const largest = Math.max(1, Math.floor((names.length - 1) / 2));
    // Mostly just too few: one more would be a majority.
    const minority = random.next() < 0.7 ? largest : random.between(1, largest);
    const some = random.shuffle(names).slice(0, minority);
    return kind === "most" ? some : [...some, ...rulers];
  }
}
