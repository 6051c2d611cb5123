import { formatAddress, parseAddress } from "../../base/address.ts";
import type { Logger } from "../../base/logger.ts";
import { type Service, ServiceStack } from "../../base/service.ts";
import type { AgentShell } from "../shell.ts";
import { dial } from "../uplink/channel.ts";
import type { Relay } from "../uplink/routes.ts";
import { askPeer } from "./peer-client.ts";
import { startPeerServer } from "./peer-server.ts";
import { Peers } from "./peers.ts";

/** Where this agent is reached by others. */
export interface PeerOptions {
  /** Host and port; port 0 takes a free one. */
  readonly listen: string;
  /** What others are told; by default where it listens, or the host's address if that is everywhere. */
  readonly advertise: string | undefined;
}

export interface MeshOptions extends PeerOptions {
  readonly nodeName: string;
  /** The host's. */
  readonly address: string;
  readonly shell: AgentShell;
  readonly log: Logger;
}

export interface Mesh extends Service {
  /** Where other agents reach this one. */
  readonly peerAddress: string;
  relay(): Relay | undefined;
  /** Whether a peer has answered when last one was tried; undefined while none was, or there are none. */
  reachesPeers(): boolean | undefined;
  /** From now on it is known how it stands with this agent's own stream. */
  attach(uplink: UplinkView): void;
}

interface UplinkView {
  readonly isConnected: boolean;
  readonly leader: string | undefined;
}

/** Makes the agent one of those that answer and ask each other: begins with what it answers. */
export async function joinMesh({ listen, advertise, address, nodeName, shell, log }: MeshOptions): Promise<Mesh> {
  const services = new ServiceStack();
  let uplink: UplinkView | undefined;
  const view = () => shell.mesh;
  const host = { nodeName, view, leader: () => uplink?.leader };
  const server = services.add(await startPeerServer({ listen, host, dial, log }));
  const peers = services.add(
    new Peers({
      nodeName,
      view,
      nowMs: () => shell.nowMs(),
      isConnected: () => uplink?.isConnected ?? false,
      ask: askPeer,
      onAnswer: (peer, askedAtMs, silentMs) => shell.input({ kind: "peer-answered", peer, askedAtMs, silentMs }),
    }),
  );
  const peerAddress = advertise ?? reachable(server.address, address);
  log.info({ listen: server.address, peerAddress }, "other agents reach this one");
  const attach = (given: UplinkView): void => {
    uplink = given;
  };
  const close = (): Promise<void> => services.close();
  return { peerAddress, relay: () => peers.relay(), reachesPeers: () => peers.reachesPeers, attach, close };
}

/** Whoever listens everywhere is reached at the host's own address. */
function reachable(bound: string, hostAddress: string): string {
  const { host, port } = parseAddress(bound) ?? { host: hostAddress, port: 0 };
  return host === "0.0.0.0" || host === "::" ? formatAddress(hostAddress, port) : bound;
}
