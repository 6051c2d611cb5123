import { Metadata, Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { Service } from "../../base/service.ts";
import type { AgentMessage__Output } from "../../proto/generated/gpusched/v1/AgentMessage.ts";
import type { AllocationReport__Output } from "../../proto/generated/gpusched/v1/AllocationReport.ts";
import type { Command } from "../../proto/generated/gpusched/v1/Command.ts";
import type { ControllerMessage } from "../../proto/generated/gpusched/v1/ControllerMessage.ts";
import type { Heartbeat__Output } from "../../proto/generated/gpusched/v1/Heartbeat.ts";
import type { Hello__Output } from "../../proto/generated/gpusched/v1/Hello.ts";
import type { LogData__Output } from "../../proto/generated/gpusched/v1/LogData.ts";
import type { LogRequest } from "../../proto/generated/gpusched/v1/LogRequest.ts";
import type { LogServerMessage__Output } from "../../proto/generated/gpusched/v1/LogServerMessage.ts";
import type { Welcome } from "../../proto/generated/gpusched/v1/Welcome.ts";
import { AgentService, LEADER_TRAILER } from "../../proto/load.ts";

/** One agent's stream as the controller saw it. */
export class AgentSession {
  hello: Hello__Output | undefined;
  readonly heartbeats: Heartbeat__Output[] = [];
  readonly reports: AllocationReport__Output[] = [];
  ended = false;
  readonly #call: ServerDuplexStream<AgentMessage__Output, ControllerMessage>;

  constructor(call: ServerDuplexStream<AgentMessage__Output, ControllerMessage>) {
    this.#call = call;
  }

  send(message: ControllerMessage): void {
    this.#call.write(message);
  }

  command(term: number, command: Omit<Command, "term" | "command">): void {
    this.send({ command: { term, ...command } });
  }

  /** Ends the stream: with a leader's address as a follower would, else without error. */
  end(leader?: string): void {
    if (leader === undefined) return void this.#call.end();
    const metadata = new Metadata();
    metadata.set(LEADER_TRAILER, leader);
    this.#call.emit("error", { code: status.UNAVAILABLE, details: "not the leader", metadata });
  }
}

/** The stream on which an agent serves job output, as the controller saw it. */
export class LogSession {
  nodeName = "";
  readonly data: LogData__Output[] = [];
  readonly #call: ServerDuplexStream<LogServerMessage__Output, LogRequest>;

  constructor(call: ServerDuplexStream<LogServerMessage__Output, LogRequest>) {
    this.#call = call;
  }

  send(request: LogRequest): void {
    this.#call.write(request);
  }

  end(): void {
    this.#call.end();
  }

  /** The output received for a request. */
  bytesOf(requestId: number): Buffer {
    return Buffer.concat(this.data.filter((data) => data.request_id === requestId).map((data) => data.data));
  }

  /** The message that ended a request. */
  endOf(requestId: number): LogData__Output | undefined {
    return this.data.find((data) => data.request_id === requestId && data.end);
  }
}

/** A controller that only speaks the agents' protocol, and does nothing that the test does not tell it to. */
export class FakeController implements Service {
  readonly sessions: AgentSession[] = [];
  readonly logSessions: LogSession[] = [];
  /** Answers a Hello; undefined answers nothing. */
  onHello: ((session: AgentSession) => void) | undefined;
  acknowledges = true;
  address = "";
  readonly #server = new Server();

  static async start(welcome: Welcome | undefined): Promise<FakeController> {
    const controller = new FakeController();
    if (welcome) controller.onHello = (session) => session.send({ welcome });
    await controller.#listen();
    return controller;
  }

  /** The newest stream. */
  get session(): AgentSession | undefined {
    return this.sessions.at(-1);
  }

  async close(): Promise<void> {
    this.#server.forceShutdown();
  }

  async #listen(): Promise<void> {
    this.#server.addService(AgentService.service, {
      Connect: (call: ServerDuplexStream<AgentMessage__Output, ControllerMessage>) => this.#onConnect(call),
      ServeLogs: (call: ServerDuplexStream<LogServerMessage__Output, LogRequest>) => this.#onServeLogs(call),
    });
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    this.address = `127.0.0.1:${port}`;
  }

  #onConnect(call: ServerDuplexStream<AgentMessage__Output, ControllerMessage>): void {
    const session = new AgentSession(call);
    this.sessions.push(session);
    call.on("error", () => {});
    call.on("cancelled", () => (session.ended = true));
    call.on("end", () => {
      session.ended = true;
      call.end();
    });
    call.on("data", (message: AgentMessage__Output) => {
      if (message.hello) {
        session.hello = message.hello;
        this.onHello?.(session);
      } else if (message.report) session.reports.push(message.report);
      else if (message.heartbeat) {
        session.heartbeats.push(message.heartbeat);
        if (this.acknowledges) session.send({ heartbeat_ack: { sequence: message.heartbeat.sequence } });
      }
    });
  }

  #onServeLogs(call: ServerDuplexStream<LogServerMessage__Output, LogRequest>): void {
    const session = new LogSession(call);
    call.on("error", () => {});
    call.on("end", () => call.end());
    call.on("data", (message: LogServerMessage__Output) => {
      if (message.data) session.data.push(message.data);
      if (!message.hello) return;
      session.nodeName = message.hello.node_name;
      this.logSessions.push(session);
    });
  }
}
