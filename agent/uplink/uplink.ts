import { delay } from "../../base/abort.ts";
import { exponentialBackoffMs, withJitter } from "../../base/backoff.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import type { Welcome__Output } from "../../proto/generated/gpusched/v1/Welcome.ts";
import { dial } from "./channel.ts";
import { ControlStream, type StreamEnd, type StreamHost } from "./control-stream.ts";
import { Controllers } from "./controllers.ts";

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
  readonly serveLogs: (address: string) => Service;
  readonly log: Logger;
  readonly timing?: Partial<UplinkTiming>;
}

/** Keeps one stream to the leader, for as long as the agent lives. */
export class Uplink implements Service {
  readonly #options: UplinkOptions;
  readonly #timing: UplinkTiming;
  readonly #controllers: Controllers;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #stream: ControlStream | undefined;
  #logServer: Service | undefined;
  #lastComplaint = "";

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#timing = { ...defaultTiming, ...options.timing };
    this.#controllers = new Controllers(options.controllers);
    this.#running = this.#run();
  }

  /** A report waits in the outbox. */
  flush(): void {
    this.#stream?.flush();
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
      const address = this.#controllers.next();
      const end = await this.#connectOnce(address);
      if (signal.aborted) return;
      this.#complain(address, end);
      if (end.welcomed) retry = 0;
      if (end.permanent) await delay(this.#timing.rejectedRetryMs, signal);
      else if (!this.#controllers.follow(end.leader, address)) await delay(this.#backoffMs(retry++), signal);
    }
  }

  async #connectOnce(address: string): Promise<StreamEnd> {
    const { host, log } = this.#options;
    const client = dial(address);
    try {
      const onWelcomed = ({ term }: Welcome__Output): void => this.#onWelcomed(address, term);
      this.#stream = new ControlStream({ client, host, heartbeatMs: this.#timing.heartbeatMs, onWelcomed, log });
      return await this.#stream.run(this.#timing.welcomeMs, this.#closing.signal);
    } finally {
      this.#stream = undefined;
      host.onDisconnected();
      await this.#logServer?.close();
      this.#logServer = undefined;
      client.close();
    }
  }

  #onWelcomed(address: string, term: number): void {
    this.#controllers.welcomed();
    this.#lastComplaint = "";
    this.#logServer = this.#options.serveLogs(address);
    this.#options.log.info({ controller: address, term }, "connected to the controller");
  }

  /** The same complaint is loud once: a controller that is away for hours does not fill the log. */
  #complain(address: string, end: StreamEnd): void {
    const level = end.permanent ? "error" : end.reason === this.#lastComplaint ? "debug" : "warn";
    this.#lastComplaint = end.reason;
    this.#options.log[level](
      { controller: address, reason: end.reason, leader: end.leader },
      "not connected to the controller",
    );
  }

  #backoffMs(retry: number): number {
    return withJitter(exponentialBackoffMs(retry, this.#timing.backoffBaseMs, this.#timing.backoffMaxMs));
  }
}
