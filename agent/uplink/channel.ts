import { type ClientDuplexStream, type ClientOptions, credentials } from "@grpc/grpc-js";
import type { AgentMessage } from "../../proto/generated/gpusched/v1/AgentMessage.ts";
import type { AgentServiceClient } from "../../proto/generated/gpusched/v1/AgentService.ts";
import type { ControllerMessage__Output } from "../../proto/generated/gpusched/v1/ControllerMessage.ts";
import type { LogRequest__Output } from "../../proto/generated/gpusched/v1/LogRequest.ts";
import type { LogServerMessage } from "../../proto/generated/gpusched/v1/LogServerMessage.ts";
import { AgentService, peerService } from "../../proto/load.ts";

/** What the agents' stream is opened with, to a controller or by way of a peer. */
export interface AgentClient {
  connect(): ClientDuplexStream<AgentMessage, ControllerMessage__Output>;
  close(): void;
}

/** What the stream of job output is opened with, in the same ways. */
export interface LogClient {
  serveLogs(): ClientDuplexStream<LogServerMessage, LogRequest__Output>;
  close(): void;
}

export const DIAL_OPTIONS: ClientOptions = {
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
  return new AgentService(address, credentials.createInsecure(), DIAL_OPTIONS);
}

/** The agents' stream to the leader by way of the peer at the address. */
export function dialRelay(address: string): AgentClient {
  const PeerService = peerService();
  const client = new PeerService(address, credentials.createInsecure(), DIAL_OPTIONS);
  return { connect: () => client.relay(), close: () => client.close() };
}

/** The stream of job output to the leader by way of the peer at the address. */
export function dialLogRelay(address: string): LogClient {
  const PeerService = peerService();
  const client = new PeerService(address, credentials.createInsecure(), DIAL_OPTIONS);
  return { serveLogs: () => client.relayLogs(), close: () => client.close() };
}

/** Whether a connection to the address comes about in time: what is blocked in one direction alone is not reached. */
export function isReached(address: string, deadlineMs: number): Promise<boolean> {
  const client = dial(address);
  return new Promise((resolve) => {
    client.waitForReady(Date.now() + deadlineMs, (error) => {
      client.close();
      resolve(error === undefined);
    });
  });
}
