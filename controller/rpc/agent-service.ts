import type { ServerDuplexStream } from "@grpc/grpc-js";
import { messageOf, RequestError } from "../../base/errors.ts";
import { asNodeName } from "../../base/ids.ts";
import type { Logger } from "../../base/logger.ts";
import type { AgentMessage__Output } from "../../proto/generated/gpusched/v1/AgentMessage.ts";
import type { AgentServiceHandlers } from "../../proto/generated/gpusched/v1/AgentService.ts";
import type { ControllerMessage } from "../../proto/generated/gpusched/v1/ControllerMessage.ts";
import type { Hello__Output } from "../../proto/generated/gpusched/v1/Hello.ts";
import type { Loop } from "../loop/loop.ts";
import { StoreError } from "../store/store.ts";
import { type AgentLinks, boundedLink } from "./agent-links.ts";
import type { LogRelay } from "./log-relay.ts";
import { toCheckpoint, toHeartbeat, toHello, toReport } from "./translate/agent.ts";

const HELLO_DEADLINE_MS = 10_000;

type Stream = ServerDuplexStream<AgentMessage__Output, ControllerMessage>;

/** The agents' side of the controller: a stream in becomes inputs of the loop, effects become its messages out. */
export function agentService(loop: Loop, links: AgentLinks, logs: LogRelay, log: Logger): AgentServiceHandlers {
  return {
    Connect: (stream) => new AgentStream(stream, loop, links, log).listen(),
    ServeLogs: (stream) => logs.attach(stream),
  };
}

/**
 * An agent that remembers more than is stored: the store was restored, or has lost writes. Whoever goes on from there could start a
 * second time what runs, and stop what it only takes for old: the term ends, until a person has decided.
 */
function regressionOf(hello: Hello__Output, { term, revision }: Loop): StoreError | undefined {
  if (hello.cluster_id === "") return undefined;
  if (hello.highest_term <= term && hello.highest_revision <= revision) return undefined;
  const seen = { term: Math.max(hello.highest_term, term), revision: hello.highest_revision };
  return new StoreError(
    "regressed",
    `the state of this controller is older than what its agents remember: node ${hello.node_name} was told of revision ` +
      `${seen.revision} of term ${hello.highest_term}, and this controller is at revision ${revision} of term ${term}. ` +
      "It was restored from a backup, or its disk has lost what was written. Nothing was stopped: jobs go on. " +
      "Put the newer state back; or, to go on without what has happened since, start once with " +
      `--accept-state-loss ${seen.term}:${seen.revision}`,
  );
}

/** One agent's stream, from its hello to its end. */
class AgentStream {
  readonly #stream: Stream;
  readonly #loop: Loop;
  readonly #links: AgentLinks;
  readonly #log: Logger;
  #identity: { node: string; session: number } | undefined;

  constructor(stream: Stream, loop: Loop, links: AgentLinks, log: Logger) {
    this.#stream = stream;
    this.#loop = loop;
    this.#links = links;
    this.#log = log;
  }

  listen(): void {
    const deadline = setTimeout(() => this.#reject("no hello came", false), HELLO_DEADLINE_MS);
    this.#stream.on("data", (message: AgentMessage__Output) => {
      clearTimeout(deadline);
      try {
        this.#onMessage(message);
      } catch (error) {
        const reason = error instanceof RequestError ? error.message : "the message could not be taken";
        this.#log.warn({ node: this.#identity?.node, error: messageOf(error) }, "an agent's message is refused");
        this.#reject(reason, false);
      }
    });
    const gone = () => {
      clearTimeout(deadline);
      this.#onGone();
    };
    this.#stream.on("end", () => {
      gone();
      this.#stream.end();
    });
    this.#stream.on("error", gone);
    this.#stream.on("cancelled", gone);
  }

  #onMessage(message: AgentMessage__Output): void {
    if (message.hello) {
      if (this.#identity) throw new RequestError("invalid", "hello: was said already");
      this.#onHello(message.hello);
      return;
    }
    if (!this.#identity) throw new RequestError("invalid", "the first message must be a hello");
    const { node, session } = this.#identity;
    if (message.heartbeat) this.#loop.post(toHeartbeat(message.heartbeat, node, session));
    if (message.report) {
      this.#loop.post({ kind: "allocation-report", session, node: asNodeName(node), report: toReport(message.report) });
    }
    if (message.checkpoint) this.#loop.post(toCheckpoint(message.checkpoint, node));
  }

  #onHello(hello: Hello__Output): void {
    const { clusterId } = this.#loop;
    if (hello.cluster_id && hello.cluster_id !== clusterId) {
      const reason = `the agent belongs to cluster ${hello.cluster_id}, and this controller serves cluster ${clusterId}: its state was replaced, or the address is wrong; nothing was stopped`;
      this.#reject(reason, true);
      return;
    }
    const regression = regressionOf(hello, this.#loop);
    if (regression) {
      this.#reject(regression.message, false);
      this.#loop.endTerm(regression);
      return;
    }
    if (hello.highest_term > this.#loop.term) {
      const reason = `the agent has obeyed term ${hello.highest_term} of a cluster that it does not name, and this controller is at term ${this.#loop.term}; nothing was stopped`;
      this.#reject(reason, false);
      return;
    }
    // Its hello would have to be written down before it is welcome.
    if (this.#loop.standstill !== undefined) return this.#reject(this.#loop.standstill, false);
    const session = this.#links.add(boundedLink(this.#stream, this.#log));
    this.#identity = { node: hello.node_name, session };
    this.#log.info({ node: hello.node_name, session, allocations: hello.allocations.length }, "an agent says hello");
    this.#loop.post(toHello(hello, session));
  }

  #reject(reason: string, permanent: boolean): void {
    this.#log.warn({ node: this.#identity?.node, reason }, "an agent is rejected");
    this.#stream.write({ rejection: { reason, permanent } });
    this.#stream.end();
    this.#onGone();
  }

  #onGone(): void {
    if (!this.#identity) return;
    const { node, session } = this.#identity;
    this.#identity = undefined;
    this.#links.remove(session);
    this.#loop.post({ kind: "node-disconnected", session, node: asNodeName(node) });
    this.#log.info({ node, session }, "an agent's stream has ended");
  }
}
