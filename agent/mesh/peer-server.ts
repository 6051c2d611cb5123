import * as grpc from "@grpc/grpc-js";
import { RequestError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import type { Service } from "../../base/service.ts";
import type { AgentServiceClient } from "../../proto/generated/gpusched/v1/AgentService.ts";
import type { PeerAnswer } from "../../proto/generated/gpusched/v1/PeerAnswer.ts";
import type { PeerQuestion__Output } from "../../proto/generated/gpusched/v1/PeerQuestion.ts";
import type { PeerServiceHandlers } from "../../proto/generated/gpusched/v1/PeerService.ts";
import { peerService } from "../../proto/load.ts";
import type { MeshView } from "../shell.ts";
import { type RelayEnds, relayStream } from "./relay-stream.ts";

/** Peers that are carried at a time: of those that are cut off, each asks another. */
const MAX_RELAYS = 64;
/** The same of job output, of which more waits in memory when the leader reads slowly. */
const MAX_LOG_RELAYS = 16;

/** What an agent answers its peers from. */
export interface PeerHost {
  readonly nodeName: string;
  view(): MeshView;
  /** The leader that this agent has a stream of its own to, not one by way of a peer; undefined without. */
  leader(): string | undefined;
}

/** What this agent says to a peer. Undefined for whoever is of another cluster: neither should know of the other. */
export function answerPeer(host: PeerHost, question: { readonly cluster_id: string }): PeerAnswer | undefined {
  const { clusterId, silentMs, highestTerm } = host.view();
  if (clusterId === "" || question.cluster_id !== clusterId) return undefined;
  const leader_address = host.leader() ?? "";
  return { node_name: host.nodeName, silent_ms: Math.floor(silentMs), term: highestTerm, leader_address };
}

export interface PeerServer extends Service {
  /** Host and port, as bound. */
  readonly address: string;
}

export interface PeerServerOptions {
  /** Host and port; port 0 takes a free one. */
  readonly listen: string;
  readonly host: PeerHost;
  readonly dial: (address: string) => AgentServiceClient;
  readonly log: Logger;
}

/** Answers the questions of other agents, and carries the streams of those that do not reach the leader. */
export async function startPeerServer(options: PeerServerOptions): Promise<PeerServer> {
  const { listen } = options;
  const server = new grpc.Server({ "grpc.keepalive_time_ms": 10_000, "grpc.keepalive_timeout_ms": 5_000 });
  server.addService(peerService().service, { ...handlers(options) });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(listen, grpc.ServerCredentials.createInsecure(), (cause, bound) => {
      if (!cause) return resolve(bound);
      reject(new RequestError("unavailable", `cannot listen for peers on ${listen}: ${cause.message}`, { cause }));
    });
  });
  const close = async (): Promise<void> => server.forceShutdown();
  return { address: `${listen.slice(0, listen.lastIndexOf(":"))}:${port}`, close };
}

type Leader<Up, Down> = RelayEnds<Up, Down>["leader"];

function handlers({ host, dial, log }: PeerServerOptions): PeerServiceHandlers {
  const refusal = (details: string) => Object.assign(new Error(details), { code: grpc.status.UNAVAILABLE, details });
  const relaying = (most: number) => {
    let relays = 0;
    return <Up, Down>(
      peer: grpc.ServerDuplexStream<Up, Down>,
      open: (leader: AgentServiceClient) => Leader<Up, Down>,
    ) => {
      const address = host.leader();
      if (address === undefined) return void peer.emit("error", refusal("this node has no stream to a leader itself"));
      if (relays >= most) return void peer.emit("error", refusal(`this node relays for ${most} others`));
      relays += 1;
      log.info({ from: peer.getPeer(), leader: address, relays }, "relaying a peer's stream to the leader");
      const client = dial(address);
      const onOver = (): void => {
        relays -= 1;
        client.close();
      };
      relayStream({ peer, leader: open(client), fail: (error) => peer.emit("error", error), onOver });
    };
  };
  const relayControl = relaying(MAX_RELAYS);
  const relayLogs = relaying(MAX_LOG_RELAYS);
  return {
    Ask(call: grpc.ServerUnaryCall<PeerQuestion__Output, PeerAnswer>, callback) {
      const answer = answerPeer(host, call.request);
      if (answer) callback(null, answer);
      else callback({ code: grpc.status.PERMISSION_DENIED, details: "this node is of another cluster" });
    },
    Relay: (peer) => relayControl(peer, (leader) => leader.connect()),
    RelayLogs: (peer) => relayLogs(peer, (leader) => leader.serveLogs()),
  };
}
