import { type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import { expect } from "vitest";
import type { Service } from "../../base/service.ts";
import type { AgentMessage } from "../../proto/generated/gpusched/v1/AgentMessage.ts";
import type { AgentServiceClient } from "../../proto/generated/gpusched/v1/AgentService.ts";
import type { Command__Output } from "../../proto/generated/gpusched/v1/Command.ts";
import type { ControllerMessage__Output } from "../../proto/generated/gpusched/v1/ControllerMessage.ts";
import type { Hello } from "../../proto/generated/gpusched/v1/Hello.ts";
import type { LogRequest__Output } from "../../proto/generated/gpusched/v1/LogRequest.ts";
import type { LogServerMessage } from "../../proto/generated/gpusched/v1/LogServerMessage.ts";
import { AgentService } from "../../proto/load.ts";

const patience = { timeout: 30_000, interval: 5 };

/** An agent's stream, and nothing behind it: says exactly what the test has it say, right or wrong. */
export class RawAgent implements Service {
  readonly received: ControllerMessage__Output[] = [];
  ended = false;
  readonly #client: AgentServiceClient;
  readonly #stream: ClientDuplexStream<AgentMessage, ControllerMessage__Output>;

  constructor(address: string) {
    this.#client = new AgentService(address, credentials.createInsecure());
    this.#stream = this.#client.connect();
    this.#stream.on("data", (message: ControllerMessage__Output) => this.received.push(message));
    this.#stream.on("error", () => {
      this.ended = true;
    });
    this.#stream.on("end", () => {
      this.ended = true;
    });
  }

  send(message: AgentMessage): void {
    this.#stream.write(message);
  }

  /** Says hello and waits until it is welcome. */
  async join(hello: Partial<Hello> = {}): Promise<void> {
    this.send({ hello: rawHello(hello) });
    await expect.poll(() => this.received.some(({ welcome }) => welcome), patience).toBe(true);
  }

  commands(kind: "launch" | "stop" | "release"): Command__Output[] {
    return this.received.flatMap(({ command }) => (command?.[kind] ? [command] : []));
  }

  /** The reason, once the controller has given one and has ended the stream. */
  async rejection(): Promise<{ reason: string; permanent: boolean }> {
    await expect.poll(() => this.ended, patience).toBe(true);
    const rejection = this.received.find((message) => message.rejection)?.rejection;
    return rejection ?? expect.unreachable("the stream ended without a reason");
  }

  /** A stream for job output beside this one. */
  serveLogs(): ClientDuplexStream<LogServerMessage, LogRequest__Output> {
    const stream = this.#client.serveLogs();
    stream.on("error", () => {});
    return stream;
  }

  async close(): Promise<void> {
    this.#stream.cancel();
    this.#client.close();
  }
}

/** The hello of `raw-1`, a node with two GPUs that knows of no job. */
export function rawHello(given: Partial<Hello> = {}): Hello {
  return {
    node_name: "raw-1",
    agent_id: "agent-raw",
    boot_id: "boot-1",
    inventory: rawInventory(["gpu-1", "gpu-2"]),
    executor: { ready: true },
    ...given,
  };
}

export function rawInventory(gpus: readonly string[]) {
  const devices = gpus.map((id, index) => ({ id, model: "Raw", memory_mb: 80_000, index }));
  return { devices, cpu_cores: 64, memory_mb: 256_000, executor: "process", address: "127.0.0.1" };
}
