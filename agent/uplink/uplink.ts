import { delay } from "../../base/abort.ts";
import { exponentialBackoffMs, withJitter } from "../../base/backoff.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import type { Welcome__Output } from "../../proto/generated/gpusched/v1/Welcome.ts";
import { type AgentClient, dial, dialRelay, isReached } from "./channel.ts";
import { ControlStream, type StreamEnd, type StreamHost } from "./control-stream.ts";
import { type Relay, type Route, Routes } from "./routes.ts";

/** How patient the uplink is, in milliseconds. */
export interface UplinkTiming {
  /** From Hello to Welcome. */
  readonly welcomeMs: number;
  /** Between attempts after a permanent rejection: an operator's fix then works without a restart. */
  readonly rejectedRetryMs: number;
  readonly heartbeatMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

/** How often an agent that is relayed looks whether it reaches the leader itself. */
const LOOK_DIRECTLY_EVERY_MS = 15_000;
/** How long it waits for that; how often and how long one that has no Welcome yet looks whether the controller is reached at all. */
const LOOK_MS = 3_000;

const defaultTiming: UplinkTiming = {
  welcomeMs: 10_000,
  rejectedRetryMs: 30_000,
  heartbeatMs: 5_000,
  backoffBaseMs: 400,
  backoffMaxMs: 5_000,
};

export interface UplinkOptions {
  /** `host:port`, at least one; any of the cluster, the leader is found. */
  readonly controllers: readonly string[];
  readonly host: StreamHost;
  /** Job output, served to the controller that answered for as long as the stream to it lasts. */
  readonly serveLogs: (route: Route) => Service;
  readonly log: Logger;
  readonly timing?: Partial<UplinkTiming>;
  /** A peer that would relay; by default nobody does. */
  readonly relay?: () => Relay | undefined;
  /** How all of it is dialled: the simulator has a network of its own. */
  readonly dialling: Dialling;
}

/** How controllers and peers are reached. */
export interface Dialling {
  dial(address: string): AgentClient;
  /** By way of the peer at the address. */
  dialRelay(address: string): AgentClient;
  /** Whether a connection to the address comes about in time. */
  isReached(address: string, deadlineMs: number): Promise<boolean>;
  /** In [0, 1), so that many agents do not come back together. */
  random(): number;
}

/** Over gRPC. */
export const grpcDialling: Dialling = { dial, dialRelay, isReached, random: Math.random };

/** Keeps one stream to the leader, for as long as the agent lives. */
export class Uplink implements Service {
  readonly #options: UplinkOptions;
  readonly #timing: UplinkTiming;
  readonly #routes: Routes;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #stream: ControlStream | undefined;
  /** The way on which a leader works with this agent now. */
  #connected: Route | undefined;
  #logServer: Service | undefined;
  #lastComplaint = "";

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#timing = { ...defaultTiming, ...options.timing };
    this.#routes = new Routes(options.controllers, options.relay ?? (() => undefined));
    this.#running = this.#run();
  }

  /** A report waits in the outbox. */
  flush(): void {
    this.#stream?.flush();
  }

  get isConnected(): boolean {
    return this.#connected !== undefined;
  }

  /** The leader that works with this agent on a stream of its own; undefined when none does. */
  get leader(): string | undefined {
    return this.#connected?.via ? undefined : this.#connected?.address;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let retry = 0;
    while (!signal.aborted) {
      await this.#options.host.ready();
      if (signal.aborted) return;
      const route = this.#routes.next();
      const end = await this.#connectOnce(route);
      if (signal.aborted) return;
      this.#complain(route, end);
      if (end.welcomed) retry = 0;
      if (end.permanent) await delay(this.#timing.rejectedRetryMs, signal);
      else if (!this.#routes.ended(route, end)) await delay(this.#backoffMs(retry++), signal);
    }
  }

  async #connectOnce(route: Route): Promise<StreamEnd> {
    const { host, log, dialling } = this.#options;
    const client = route.via ? dialling.dialRelay(route.via.address) : dialling.dial(route.address);
    const onWelcomed = ({ term }: Welcome__Output): void => this.#onWelcomed(route, term);
    const stream = new ControlStream({ client, host, heartbeatMs: this.#timing.heartbeatMs, onWelcomed, log });
    const looking = route.via
      ? setInterval(() => void this.#lookDirectly(stream, route), LOOK_DIRECTLY_EVERY_MS)
      : setInterval(() => void this.#lookAside(stream, route), LOOK_MS);
    try {
      this.#stream = stream;
      return await stream.run(this.#timing.welcomeMs, this.#closing.signal);
    } finally {
      clearInterval(looking);
      this.#stream = undefined;
      this.#connected = undefined;
      host.onDisconnected();
      await this.#logServer?.close();
      this.#logServer = undefined;
      client.close();
    }
  }

  /** Ends a relayed stream once the leader can be reached without. */
  async #lookDirectly(stream: ControlStream, { address }: Route): Promise<void> {
    if (!(await this.#options.dialling.isReached(address, LOOK_MS)) || this.#stream !== stream) return;
    this.#routes.reached(address);
    stream.leave("the controller is reached without the peer again");
  }

  /** Does not wait for a controller that is not reached, once a peer would relay: the lease runs meanwhile. */
  async #lookAside(stream: ControlStream, { address }: Route): Promise<void> {
    const { relay, dialling } = this.#options;
    if (this.#connected || !relay?.()) return;
    if (await dialling.isReached(address, LOOK_MS)) return;
    if (this.#stream !== stream || this.#connected) return;
    stream.leave("the controller is not reached, and a peer is");
  }

  #onWelcomed(route: Route, term: number): void {
    const { address, via } = route;
    this.#routes.welcomed(route);
    this.#connected = route;
    this.#lastComplaint = "";
    this.#logServer = this.#options.serveLogs(route);
    const way = via ? "connected to the controller by way of a peer" : "connected to the controller";
    this.#options.log.info({ controller: address, term, peer: via?.peer }, way);
  }

  /** The same complaint is loud once: a controller that is away for hours does not fill the log. */
  #complain({ address, via }: Route, end: StreamEnd): void {
    const level = end.permanent ? "error" : end.reason === this.#lastComplaint ? "debug" : "warn";
    this.#lastComplaint = end.reason;
    this.#options.log[level](
      { controller: address, peer: via?.peer, reason: end.reason, leader: end.leader },
      "not connected to the controller",
    );
  }

  #backoffMs(retry: number): number {
    const { controllers, dialling } = this.#options;
    return withJitter(pauseMs(retry, controllers.length, this.#timing), () => dialling.random());
  }
}

/**
 * The most that is waited before the n-th retry, counted from 0. A round of all controllers takes as long as one retry does where
 * there is only one: who leads next is not known, and most often it is the second or the third.
 */
export function pauseMs(
  retry: number,
  controllers: number,
  { backoffBaseMs, backoffMaxMs }: Pick<UplinkTiming, "backoffBaseMs" | "backoffMaxMs">,
): number {
  return exponentialBackoffMs(Math.floor(retry / controllers), backoffBaseMs, backoffMaxMs) / controllers;
}
