import type { ClientDuplexStream, ServiceError, StatusObject } from "@grpc/grpc-js";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { AgentMessage } from "../../proto/generated/gpusched/v1/AgentMessage.ts";
import type { ControllerMessage__Output } from "../../proto/generated/gpusched/v1/ControllerMessage.ts";
import type { Command__Output } from "../../proto/generated/gpusched/v1/Command.ts";
import type { Heartbeat } from "../../proto/generated/gpusched/v1/Heartbeat.ts";
import type { Hello } from "../../proto/generated/gpusched/v1/Hello.ts";
import type { Membership__Output } from "../../proto/generated/gpusched/v1/Membership.ts";
import type { NodeInventory } from "../../proto/generated/gpusched/v1/NodeInventory.ts";
import type { Welcome__Output } from "../../proto/generated/gpusched/v1/Welcome.ts";
import { LEADER_TRAILER } from "../../proto/load.ts";
import type { AgentClient } from "./channel.ts";

/** Heartbeats that may be unanswered; when the next one is due after so many, the stream is given up. */
const MAX_UNANSWERED = 3;
/** Heartbeats that fit into a lease at the least: an interval that is too long for the leader's lease is shortened. */
const HEARTBEATS_A_LEASE = 4;
/** And into the time within which the leader must have proof that it is heard. */
const HEARTBEATS_A_HEARING = 3;
/** How long the controller may take to end the stream that we have ended. */
const POLITE_CLOSE_MS = 1_000;

/** The part of the agent that a stream speaks for. Nothing here may wait. */
export interface StreamHost {
  /** Resolves when Hello may be said. */
  ready(): Promise<void>;
  hello(): Hello;
  /** Undefined accepts the leader; otherwise the sentence why not. */
  onWelcome(welcome: Welcome__Output): string | undefined;
  onMembership(membership: Membership__Output): void;
  /** The controller knows of a later Hello of this node. */
  onHelloRefused(highestHello: number): void;
  onCommand(command: Command__Output): void;
  /** The content of the next heartbeat, without its sequence; the inventory is dropped when it is no news. */
  heartbeat(): Heartbeat;
  onHeartbeatSent(sequence: number): void;
  /** @param sentAtMs what the leader's clock showed when it began to answer; 0 where it did not say */
  onHeartbeatAcked(sequence: number, revision: number, sentAtMs: number): void;
  /** The next report or checkpoint, undefined when none waits. */
  takeNews(): AgentMessage | undefined;
  onDisconnected(): void;
}

export interface ControlStreamOptions {
  readonly client: Pick<AgentClient, "connect">;
  readonly host: StreamHost;
  readonly heartbeatMs: number;
  /** The host has accepted the leader. */
  readonly onWelcomed: (welcome: Welcome__Output) => void;
  readonly log: Logger;
}

/** How a stream ended. */
export interface StreamEnd {
  readonly reason: string;
  /** The leader was accepted and worked with. */
  readonly welcomed: boolean;
  /** A person has to act. */
  readonly permanent: boolean;
  /** The leader's address where the controller named it. */
  readonly leader: string | undefined;
}

/** One stream to one controller, from Hello to its end. Runs once. */
export class ControlStream {
  readonly #call: ClientDuplexStream<AgentMessage, ControllerMessage__Output>;
  readonly #options: ControlStreamOptions;
  readonly #ended = Promise.withResolvers<StreamEnd>();
  /** Both ways are closed: nothing more will come. */
  readonly #gone = Promise.withResolvers<void>();
  #welcomed = false;
  #writable = true;
  #over = false;
  #sequence = 0;
  #acked = 0;
  /** The newest time of the leader's that was heard on this stream. */
  #echoMs = 0;
  #sentInventory = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ControlStreamOptions) {
    this.#options = options;
    this.#call = options.client.connect();
    this.#call.on("data", (message: ControllerMessage__Output) => this.#guard(() => this.#onMessage(message)));
    this.#call.on("drain", () => this.#guard(() => this.#onDrain()));
    this.#call.on("error", (error: ServiceError) => this.#onError(error));
    this.#call.on("end", () => this.#finish("the controller ended the stream"));
    this.#call.on("status", (_: StatusObject) => this.#gone.resolve());
  }

  /** Says Hello and works until the stream ends, the signal aborts or no Welcome comes within the deadline. Never rejects. */
  async run(welcomeDeadlineMs: number, signal: AbortSignal): Promise<StreamEnd> {
    const onAbort = (): void => this.#finish("the agent is closing");
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    this.#timer = setTimeout(() => this.#finish(`no Welcome came within ${welcomeDeadlineMs} ms`), welcomeDeadlineMs);
    this.#guard(() => this.#sayHello());
    const end = await this.#ended.promise;
    signal.removeEventListener("abort", onAbort);
    await this.#hangUp();
    return end;
  }

  /** Ends it for another that is better. */
  leave(reason: string): void {
    this.#finish(reason);
  }

  /** Sends the reports that wait, as far as the connection takes them. */
  flush(): void {
    this.#guard(() => {
      while (this.#welcomed && !this.#over && this.#writable) {
        const news = this.#options.host.takeNews();
        if (!news) return;
        this.#write(news);
      }
    });
  }

  #sayHello(): void {
    if (this.#over) return;
    const hello = this.#options.host.hello();
    this.#isNews(hello.inventory);
    this.#write({ hello });
  }

  #onMessage(message: ControllerMessage__Output): void {
    if (this.#over) return;
    if (message.rejection) {
      const { reason, permanent, highest_hello: highestHello } = message.rejection;
      if (highestHello > 0) this.#options.host.onHelloRefused(highestHello);
      this.#finish(`the controller refuses this node: ${reason}`, { permanent });
    } else if (message.welcome) this.#onWelcome(message.welcome);
    else if (message.heartbeat_ack) {
      this.#acked = Math.max(this.#acked, message.heartbeat_ack.sequence);
      this.#echoMs = Math.max(this.#echoMs, message.heartbeat_ack.sent_at_ms);
      const { sequence, revision, sent_at_ms: sentAtMs } = message.heartbeat_ack;
      this.#options.host.onHeartbeatAcked(sequence, revision, sentAtMs);
    } else if (message.membership && this.#welcomed) this.#options.host.onMembership(message.membership);
    else if (message.command && this.#welcomed) this.#options.host.onCommand(message.command);
  }

  #onWelcome(welcome: Welcome__Output): void {
    if (this.#welcomed) return;
    const refusal = this.#options.host.onWelcome(welcome);
    if (refusal !== undefined) return this.#finish(`this node refuses the controller: ${refusal}`);
    this.#welcomed = true;
    this.#echoMs = welcome.sent_at_ms;
    this.#options.onWelcomed(welcome);
    clearTimeout(this.#timer);
    const hearingMs = welcome.hearing_ms > 0 ? welcome.hearing_ms : Number.POSITIVE_INFINITY;
    const most = Math.min(welcome.lease_ms / HEARTBEATS_A_LEASE, hearingMs / HEARTBEATS_A_HEARING);
    const intervalMs = Math.min(this.#options.heartbeatMs, most);
    this.#timer = setInterval(() => this.#guard(() => this.#beat()), intervalMs);
    this.#beat();
    this.flush();
  }

  /** Counts what is unanswered instead of time, so that a stall of this process alone breaks no stream. */
  #beat(): void {
    if (this.#over) return;
    if (this.#sequence - this.#acked >= MAX_UNANSWERED) {
      return this.#finish(`${MAX_UNANSWERED} heartbeats were not answered`);
    }
    const heartbeat = this.#options.host.heartbeat();
    if (!this.#isNews(heartbeat.inventory)) delete heartbeat.inventory;
    this.#sequence += 1;
    this.#options.host.onHeartbeatSent(this.#sequence);
    this.#write({ heartbeat: { ...heartbeat, sequence: this.#sequence, echo_ms: this.#echoMs } });
  }

  /** Whether the inventory differs from what this stream has told; from then on it is told. */
  #isNews(inventory: NodeInventory | null | undefined): boolean {
    const text = JSON.stringify(inventory);
    const isNews = text !== this.#sentInventory;
    this.#sentInventory = text;
    return isNews;
  }

  #write(message: AgentMessage): void {
    this.#writable = this.#call.write(message);
  }

  #onDrain(): void {
    this.#writable = true;
    this.flush();
  }

  #onError(error: ServiceError): void {
    const [leader] = error.metadata?.get(LEADER_TRAILER) ?? [];
    this.#gone.resolve();
    this.#finish(error.details || messageOf(error), { leader: leader === undefined ? undefined : String(leader) });
  }

  #finish(reason: string, more: { permanent?: boolean; leader?: string | undefined } = {}): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    const { permanent = false, leader } = more;
    this.#ended.resolve({ reason, welcomed: this.#welcomed, permanent, leader });
  }

  /** Ends our side and waits a little for the other, so that what was written still arrives. */
  async #hangUp(): Promise<void> {
    this.#call.end();
    const patience = setTimeout(() => this.#gone.resolve(), POLITE_CLOSE_MS);
    await this.#gone.promise;
    clearTimeout(patience);
    this.#call.cancel();
  }

  /** A failure in our own code ends this stream, not the agent. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#options.log.error({ err: error }, "the agent's stream failed");
      this.#finish(`the agent failed: ${messageOf(error)}`);
    }
  }
}
