/** Whom this host reaches, and who could reach it. */
import { connect, createServer } from "node:net";
import { formatAddress, parseAddress } from "../../../base/address.ts";
import { systemErrorCode } from "../../../base/errors.ts";

const CONNECT_DEADLINE_MS = 3_000;
/** What `gpusched dev` listens on when nothing else is said. */
const DEV_PORTS = [8080, 9090];

export interface Reached {
  readonly address: string;
  /** Why not; undefined when it was. */
  readonly problem: string | undefined;
}

export interface NetworkFacts {
  readonly controllers: readonly Reached[];
  /** Undefined where this agent has no peers. */
  readonly peer: PeerPort | undefined;
  /** Those of dev that somebody listens on; undefined where nobody wants to know. */
  readonly takenDevPorts: readonly number[] | undefined;
}

export interface PeerPort {
  /** Where others are told to find it. */
  readonly address: string;
  /** Somebody answers there. */
  readonly answers: boolean;
  /** Why nobody can listen there; undefined when it is free, or in use. */
  readonly problem: string | undefined;
}

export interface NetworkQuestion {
  readonly controllers: readonly string[];
  readonly peerListen: string | undefined;
  readonly peerAddress: string | undefined;
  /** No agent runs in this process: its ports may be free. */
  readonly withDevPorts: boolean;
}

export async function gatherNetwork(question: NetworkQuestion): Promise<NetworkFacts> {
  const { controllers, peerListen, peerAddress, withDevPorts } = question;
  const [reached, peer, taken] = await Promise.all([
    Promise.all(controllers.map(async (address) => ({ address, problem: await tryToReach(address) }))),
    peerListen === undefined ? undefined : peerPort(peerListen, peerAddress ?? peerListen),
    withDevPorts ? takenPorts(DEV_PORTS) : undefined,
  ]);
  return { controllers: reached, peer, takenDevPorts: taken };
}

async function peerPort(listen: string, advertised: string): Promise<PeerPort> {
  const address = withHost(advertised);
  if ((await tryToReach(address)) === undefined) return { address, answers: true, problem: undefined };
  return { address, answers: false, problem: await whyNotListen(listen) };
}

/** What listens everywhere is reached on the loopback interface. */
function withHost(address: string): string {
  const { host, port } = parseAddress(address) ?? { host: "", port: 0 };
  const anywhere: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  return formatAddress(anywhere[host] ?? host, port);
}

async function takenPorts(ports: readonly number[]): Promise<readonly number[]> {
  const problems = await Promise.all(ports.map((port) => whyNotListen(formatAddress("127.0.0.1", port))));
  return ports.filter((_, at) => problems[at] === "it is in use");
}

/** Why a connection cannot be made; undefined when it can. */
function tryToReach(address: string): Promise<string | undefined> {
  const { host, port } = parseAddress(address) ?? { host: "", port: 0 };
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (problem: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(problem);
    };
    const timer = setTimeout(() => end(`no answer within ${CONNECT_DEADLINE_MS / 1_000} s`), CONNECT_DEADLINE_MS);
    socket.once("connect", () => end(undefined));
    socket.once("error", (error) => end(WORDS[systemErrorCode(error) ?? ""] ?? error.message));
  });
}

/** Why nobody could listen there; undefined when one could. */
function whyNotListen(address: string): Promise<string | undefined> {
  const { host, port } = parseAddress(address) ?? { host: "", port: 0 };
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve(WORDS[systemErrorCode(error) ?? ""] ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ENOTFOUND: "no such host name",
  EAI_AGAIN: "no name server answers",
  EHOSTUNREACH: "no way there",
  ENETUNREACH: "no way there",
  EADDRINUSE: "it is in use",
  EADDRNOTAVAIL: "this host does not have that address",
  EACCES: "this user may not",
};
