import { type ClientOptions, credentials } from "@grpc/grpc-js";
import type { AgentServiceClient } from "../../proto/generated/gpusched/v1/AgentService.ts";
import { AgentService } from "../../proto/load.ts";

const options: ClientOptions = {
  // A host that has vanished sends no reset: without these a stream to it would look alive for many minutes.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  // Each stream dials for itself: ours is the backoff, and job output must not share a connection with heartbeats.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
};

/** A connection to one controller. The caller closes it. */
export function dial(address: string): AgentServiceClient {
  return new AgentService(address, credentials.createInsecure(), options);
}
