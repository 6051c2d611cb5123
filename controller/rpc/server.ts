import * as grpc from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { RequestError } from "../../base/errors.ts";
import type { Service } from "../../base/service.ts";
import type { AgentServiceHandlers } from "../../proto/generated/gpusched/v1/AgentService.ts";
import type { SchedulerServiceHandlers } from "../../proto/generated/gpusched/v1/SchedulerService.ts";
import { AgentService, SchedulerService } from "../../proto/load.ts";
import { addReflection } from "./reflection.ts";

/** A batch of 8 MiB of JSON, with room to spare. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const CLOSE_DEADLINE_MS = 2_000;

export interface RpcServer extends Service {
  /** Host and port, as bound. */
  readonly address: string;
}

/** Serves both services, with reflection and the standard health service. */
export async function startRpcServer(
  listen: string,
  handlers: { scheduler: SchedulerServiceHandlers; agent: AgentServiceHandlers },
): Promise<RpcServer> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_concurrent_streams": 10_000,
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.http2.min_ping_interval_without_data_ms": 4_000,
  });
  server.addService(SchedulerService.service, { ...handlers.scheduler });
  server.addService(AgentService.service, { ...handlers.agent });
  const health = new HealthImplementation({
    "": "SERVING",
    "gpusched.v1.SchedulerService": "SERVING",
    "gpusched.v1.AgentService": "SERVING",
  });
  health.addToServer(server);
  addReflection(server);
  const port = await bind(server, listen);
  return {
    address: `${listen.slice(0, listen.lastIndexOf(":"))}:${port}`,
    close: () => shutDown(server),
  };
}

function bind(server: grpc.Server, listen: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(listen, grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error)
        reject(new RequestError("unavailable", `cannot listen on ${listen}: ${error.message}`, { cause: error }));
      else resolve(port);
    });
  });
}

/** Lets calls end for a moment, then cuts what is left: agents' streams never end by themselves. */
function shutDown(server: grpc.Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), CLOSE_DEADLINE_MS);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
