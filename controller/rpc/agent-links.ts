import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import type { ControllerMessage } from "../../proto/generated/gpusched/v1/ControllerMessage.ts";
import type { Rejection } from "../../proto/generated/gpusched/v1/Rejection.ts";
import { meshTiming } from "../core/model/membership.ts";
import type { Settings } from "../core/model/state.ts";
import type { Effect } from "../core/output.ts";
import { fromEffect, fromMembership } from "./translate/agent.ts";

/** Messages that may wait in one agent's stream; an agent that reads slower is dropped, and comes back with a hello. */
const MAX_UNSENT = 10_000;

/** One agent's open stream. */
export interface AgentLink {
  readonly send: (message: ControllerMessage) => void;
  readonly end: () => void;
}

/** Who leads, and for how long an agent may trust it. */
export interface Leadership {
  readonly clusterId: string;
  readonly term: number;
  /** How far the store has come. */
  readonly revision: number;
  readonly settings: Settings;
}

/** The streams by session: where effects that are meant for agents leave. */
export class AgentLinks implements Service {
  readonly #links = new Map<number, AgentLink>();
  #lastSession = 0;

  /** Takes a new stream in, and gives it its session. */
  add(link: AgentLink): number {
    this.#lastSession += 1;
    this.#links.set(this.#lastSession, link);
    return this.#lastSession;
  }

  remove(session: number): void {
    this.#links.delete(session);
  }

  /** The term is over: the agents look for the next leader. */
  close(): Promise<void> {
    for (const link of this.#links.values()) link.end();
    this.#links.clear();
    return Promise.resolve();
  }

  /** Sends what an effect means to its agent; a stream that has gone hears nothing. */
  carryOut(effect: Effect, leadership: Leadership): void {
    const link = effect.session === undefined ? undefined : this.#links.get(effect.session);
    if (!link) return;
    switch (effect.kind) {
      case "welcome":
        link.send({
          welcome: {
            cluster_id: leadership.clusterId,
            term: leadership.term,
            revision: leadership.revision,
            lease_ms: leadership.settings.nodeLostAfterMs,
            sent_at_ms: effect.at,
            hearing_ms: meshTiming(leadership.settings).hearingMs,
          },
        });
        return;
      case "reject":
        link.send({ rejection: rejectionOf(effect) });
        link.end();
        return;
      case "heartbeat-ack":
        link.send({
          heartbeat_ack: { sequence: effect.sequence, revision: leadership.revision, sent_at_ms: effect.at },
        });
        return;
      case "membership":
        link.send({ membership: fromMembership(effect.membership) });
        return;
      default: {
        const command = fromEffect(effect, leadership.term);
        if (command) link.send({ command });
      }
    }
  }
}

/** A Hello that came late says nothing about the agent; whatever else is wrong with one, a person has to mend. */
function rejectionOf({ reason, highestHello }: Effect & { kind: "reject" }): Rejection {
  return highestHello === undefined ? { reason, permanent: true } : { reason, highest_hello: highestHello };
}

/** A link over a gRPC stream, whose unsent messages are bounded. */
export function boundedLink(
  stream: {
    write(message: ControllerMessage, done: () => void): unknown;
    end(): void;
    destroy(): unknown;
  },
  log: Logger,
): AgentLink {
  let unsent = 0;
  return {
    send: (message) => {
      unsent += 1;
      if (unsent > MAX_UNSENT) {
        log.warn({ unsent }, "an agent reads too slowly; its stream is dropped");
        stream.destroy();
        return;
      }
      stream.write(message, () => {
        unsent -= 1;
      });
    },
    end: () => stream.end(),
  };
}
