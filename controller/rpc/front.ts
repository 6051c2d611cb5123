import * as grpc from "@grpc/grpc-js";
import type { AgentServiceHandlers } from "../../proto/generated/gpusched/v1/AgentService.ts";
import type { SchedulerServiceHandlers } from "../../proto/generated/gpusched/v1/SchedulerService.ts";
import { AgentService, LEADER_TRAILER, SchedulerService } from "../../proto/load.ts";

/** How long calls that are under way may take when the term ends in order: until then nobody else can lead. */
const DRAIN_DEADLINE_MS = 500;

/** Both services, as the term that leads here serves them. */
export interface Handlers {
  readonly scheduler: SchedulerServiceHandlers;
  readonly agent: AgentServiceHandlers;
}

type Call = grpc.ServerUnaryCall<unknown, unknown> | grpc.ServerDuplexStream<unknown, unknown>;
type Callback = grpc.sendUnaryData<unknown>;
type Handle = (call: Call, callback: Callback) => void;

/**
 * What callers reach, whoever leads: hands calls to the term that leads here, and while none does, refuses them with the
 * leader's address.
 */
export class Front {
  readonly handlers: Handlers;
  #leaderAddress: () => string | undefined = () => undefined;
  #term: Handlers | undefined;
  /** Unary calls that have no answer yet. */
  #open = 0;
  #onDrained: (() => void) | undefined;

  constructor() {
    this.handlers = {
      scheduler: this.#relay<SchedulerServiceHandlers>(SchedulerService.service, (term) => term.scheduler),
      agent: this.#relay<AgentServiceHandlers>(AgentService.service, (term) => term.agent),
    };
  }

  /** From now on calls are this term's. */
  lead(term: Handlers): void {
    this.#term = term;
  }

  /**
   * From now on calls are refused.
   *
   * @param leaderAddress where the leader is, as far as is known
   */
  follow(leaderAddress: () => string | undefined): void {
    this.#term = undefined;
    this.#leaderAddress = leaderAddress;
  }

  /** Resolves when calls that are under way have their answers, or a little later. Streams are their owners' to end. */
  async drain(): Promise<void> {
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, DRAIN_DEADLINE_MS);
      this.#onDrained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onDrained = undefined;
  }

  #relay<H>(service: grpc.ServiceDefinition, pick: (term: Handlers) => H): H {
    const relayed = Object.entries(service).map(([name, { requestStream, responseStream }]) => {
      const handle = (call: Call, callback: Callback): void => {
        const handlers = this.#term && (pick(this.#term) as Record<string, Handle>);
        if (requestStream || responseStream) {
          if (handlers) handlers[name]?.(call, callback);
          else call.emit("error", this.#refusal());
        } else if (handlers) handlers[name]?.(call, this.#counted(callback));
        else callback(this.#refusal());
      };
      return [name, handle] as const;
    });
    return Object.fromEntries(relayed) as H;
  }

  #counted(callback: Callback): Callback {
    this.#open += 1;
    return (...answer) => {
      this.#open -= 1;
      callback(...answer);
      if (this.#open === 0) this.#onDrained?.();
    };
  }

  #refusal(): Partial<grpc.StatusObject> & { readonly code: grpc.status } {
    const metadata = new grpc.Metadata();
    const leader = this.#leaderAddress();
    if (leader !== undefined) metadata.set(LEADER_TRAILER, leader);
    const details =
      leader === undefined ? "no controller leads at the moment" : `this controller does not lead; ${leader} does`;
    return { code: grpc.status.UNAVAILABLE, details, metadata };
  }
}
