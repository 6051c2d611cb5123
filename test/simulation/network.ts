import { EventEmitter } from "node:events";
import { LEADER_TRAILER } from "../../proto/load.ts";
import type { Random } from "../support/random.ts";
import type { Actor } from "./actor.ts";
import type { Timeline } from "./timeline.ts";

/** After so long without an answer to its pings, gRPC gives a connection up. */
const KEEPALIVE_MS = 15_000;

/** Who is reached where; names are `agent-1`, `controller-1`, `store`, `client`: any may send to any. */
export class Network {
  readonly timeline: Timeline;
  readonly #random: Random;
  /** `from>to`: nothing gets through, and how many faults there are of which each is enough. */
  readonly #blocked = new Map<string, number>();
  /** When each pair that was blocked was so last. */
  readonly #unblockedAtMs = new Map<string, number>();
  readonly #streams = new Set<Stream>();
  /** Of a message, in milliseconds of true time. */
  maxDelayMs = 5;
  /** How likely a message comes twice. */
  duplicates = 0;
  /** How likely the first word on a stream arrives even when its sender has long given the stream up. */
  lateHellos = 0;

  constructor(timeline: Timeline, random: Random) {
    this.timeline = timeline;
    this.#random = random;
  }

  delayMs(): number {
    return this.#random.next() * this.maxDelayMs;
  }

  isDuplicated(): boolean {
    return this.duplicates > 0 && this.#random.next() < this.duplicates;
  }

  comesLate(): boolean {
    return this.lateHellos > 0 && this.#random.next() < this.lateHellos;
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from}>${to}`);
  }

  /** Nothing from the one reaches the other until it is unblocked as often as it was blocked; streams that last through it are given up in time. */
  block(from: string, to: string): void {
    const pair = `${from}>${to}`;
    this.#blocked.set(pair, (this.#blocked.get(pair) ?? 0) + 1);
    for (const stream of this.#streams) {
      if (!stream.isBetween(from, to)) continue;
      this.timeline.after(KEEPALIVE_MS + this.delayMs(), undefined, `keepalive ${from}>${to}`, () => {
        if (this.isBlocked(from, to)) stream.drop();
      });
    }
  }

  unblock(from: string, to: string): void {
    const pair = `${from}>${to}`;
    const faults = this.#blocked.get(pair);
    if (faults === undefined) return;
    this.#blocked.delete(pair);
    if (faults > 1) return void this.#blocked.set(pair, faults - 1);
    this.#unblockedAtMs.set(pair, this.timeline.now);
    for (const stream of this.#streams) if (stream.isBetween(from, to)) stream.flush();
  }

  /** For how long the two have reached each other, in milliseconds. */
  reachesFor(a: string, b: string): number {
    if (this.isBlocked(a, b) || this.isBlocked(b, a)) return 0;
    const since = [`${a}>${b}`, `${b}>${a}`].map((pair) => this.#unblockedAtMs.get(pair) ?? 0);
    return this.timeline.now - Math.max(...since);
  }

  unblockAll(): void {
    for (const pair of [...this.#blocked.keys()]) {
      const [from = "", to = ""] = pair.split(">");
      this.#blocked.set(pair, 1);
      this.unblock(from, to);
    }
  }

  /** A datagram: comes after a while, or never. */
  send(to: Actor | undefined, path: readonly [from: string, to: string], label: string, deliver: () => void): void {
    if (this.isBlocked(...path)) return;
    this.timeline.after(this.delayMs(), to, label, deliver);
  }

  /** Opens a stream; the server is told of it by `accept`, or the client that there is none. */
  connect(client: Actor, server: Actor | undefined, names: readonly [string, string], accept: Accept): Stream {
    const stream = new Stream(this, client, server, names);
    this.#streams.add(stream);
    stream.open(accept);
    return stream;
  }

  /** Streams that a process had are reset by its kernel. */
  onDeath(actor: Actor): void {
    for (const stream of [...this.#streams]) stream.onDeath(actor);
  }

  /** The streams that are open, for faults. */
  get streams(): readonly Stream[] {
    return [...this.#streams];
  }

  forget(stream: Stream): void {
    this.#streams.delete(stream);
  }
}

/** What a server says to a new stream: nothing, or where the leader is. */
export type Accept = (server: EventEmitter) => { readonly refusal: string; readonly leader?: string } | undefined;

/** One direction of a stream: what is sent arrives in order, or not at all. */
class Channel {
  readonly #network: Network;
  readonly #names: readonly [string, string];
  readonly #held: { readonly label: string; readonly deliver: () => void }[] = [];
  readonly to: Actor | undefined;
  #lastAtMs = 0;

  constructor(network: Network, to: Actor | undefined, names: readonly [string, string]) {
    this.#network = network;
    this.to = to;
    this.#names = names;
  }

  send(label: string, deliver: () => void): void {
    if (this.#network.isBlocked(...this.#names)) this.#held.push({ label, deliver });
    else this.#schedule(label, deliver);
  }

  flush(): void {
    for (const { label, deliver } of this.#held.splice(0)) this.#schedule(label, deliver);
  }

  #schedule(label: string, deliver: () => void): void {
    const { timeline } = this.#network;
    this.#lastAtMs = Math.max(this.#lastAtMs, timeline.now + this.#network.delayMs());
    timeline.after(this.#lastAtMs - timeline.now, this.to, label, deliver);
  }
}

type Message = { readonly [field: string]: unknown };

/** A gRPC stream of two ends, as far as our code uses them. */
export class Stream {
  readonly client = new EventEmitter();
  readonly server = new EventEmitter();
  readonly #network: Network;
  readonly #names: readonly [string, string];
  readonly #actors: readonly [Actor, Actor | undefined];
  readonly #up: Channel;
  readonly #down: Channel;
  #clientIsOpen = true;
  #serverIsOpen = true;

  constructor(network: Network, client: Actor, server: Actor | undefined, names: readonly [string, string]) {
    this.#network = network;
    this.#names = names;
    this.#actors = [client, server];
    this.#up = new Channel(network, server, names);
    this.#down = new Channel(network, client, [names[1], names[0]]);
    Object.assign(this.client, {
      write: (message: Message) => this.#write(message),
      end: () => this.#up.send("the agent's side ends", () => this.#toServer("end")),
      cancel: () => this.#cancel(),
    });
    Object.assign(this.server, {
      write: (message: Message, done?: () => void) => this.#answer(message, done),
      end: () => this.#down.send("the controller's side ends", () => this.#endClient()),
      destroy: () => this.drop(),
    });
  }

  get isOpen(): boolean {
    return this.#clientIsOpen || this.#serverIsOpen;
  }

  isBetween(from: string, to: string): boolean {
    const [client, server] = this.#names;
    return (from === client && to === server) || (from === server && to === client);
  }

  open(accept: Accept): void {
    if (!this.#actors[1]?.isAlive) return this.#failClient("connection refused");
    this.#up.send("a stream opens", () => {
      const no = accept(this.server);
      if (no) this.#down.send("the stream is refused", () => this.#endClient(no.refusal, no.leader));
    });
  }

  flush(): void {
    this.#up.flush();
    this.#down.flush();
  }

  /** The connection breaks: each side learns of it for itself. */
  drop(): void {
    const { timeline } = this.#network;
    const [client, server] = this.#actors;
    timeline.after(this.#network.delayMs(), client, "the connection broke", () => this.#endClient("broken"));
    timeline.after(this.#network.delayMs(), server, "the connection broke", () => this.#endServer());
  }

  onDeath(actor: Actor): void {
    const [client, server] = this.#actors;
    if (actor === client) this.#up.send("the agent's process is gone", () => this.#endServer());
    if (actor === server) this.#down.send("the controller's process is gone", () => this.#endClient("reset"));
  }

  #write(message: Message): boolean {
    const label = `hears ${describe(message)}`;
    this.#up.send(label, () => {
      const isLate = !this.#clientIsOpen || !this.#actors[0].isAlive;
      if (!isLate || !message["hello"] || this.#network.comesLate()) this.#toServer("data", message);
    });
    if (!message["hello"] && this.#network.isDuplicated()) this.#up.send(label, () => this.#toServer("data", message));
    return true;
  }

  #answer(message: Message, done?: () => void): void {
    const label = `hears ${describe(message)}`;
    const deliver = () => {
      if (this.#clientIsOpen) this.client.emit("data", message);
    };
    this.#down.send(label, deliver);
    if (this.#network.isDuplicated()) this.#down.send(label, deliver);
    done?.();
  }

  #toServer(event: string, message?: Message): void {
    if (this.#serverIsOpen) this.server.emit(event, message);
  }

  #cancel(): void {
    if (!this.#clientIsOpen) return;
    this.#clientIsOpen = false;
    this.#up.send("the agent cancels the stream", () => this.#endServer());
    this.client.emit("status", {});
    this.#forgetIfOver();
  }

  #failClient(why: string): void {
    const { timeline } = this.#network;
    timeline.after(this.#network.delayMs(), this.#actors[0], why, () => this.#endClient(why));
    this.#serverIsOpen = false;
  }

  #endClient(why?: string, leader?: string): void {
    if (!this.#clientIsOpen) return;
    this.#clientIsOpen = false;
    const metadata = { get: (name: string) => (name === LEADER_TRAILER && leader !== undefined ? [leader] : []) };
    if (why === undefined) this.client.emit("end");
    else this.client.emit("error", Object.assign(new Error(why), { details: why, metadata }));
    this.client.emit("status", {});
    this.#forgetIfOver();
  }

  #endServer(): void {
    if (!this.#serverIsOpen) return;
    this.#serverIsOpen = false;
    this.server.emit("cancelled");
    this.#forgetIfOver();
  }

  #forgetIfOver(): void {
    if (!this.isOpen) this.#network.forget(this);
  }
}

/** A message in a word or two, for the trace. */
function describe(message: Message): string {
  const [[kind, body] = ["nothing", undefined]] = Object.entries(message);
  const { key, term, sequence, phase, launch, stop, release } = (body ?? {}) as Record<string, never>;
  if (kind === "command") return `term ${term}: ${describe({ launch, stop, release })}`;
  if (body === undefined) return describe(withoutFirst(message));
  const name = key && Object.values(key).join("-");
  return [kind, sequence, phase, name].filter((part) => part !== undefined).join(" ");
}

function withoutFirst(message: Message): Message {
  return Object.fromEntries(Object.entries(message).slice(1));
}
