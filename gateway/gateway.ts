/** The gateway: REST in, gRPC to the controllers out. It keeps nothing, so that any number of them may run. */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { formatAddress, parseAddress } from "../base/address.ts";
import { present } from "../base/assert.ts";
import { Intake } from "../base/intake.ts";
import type { Logger } from "../base/logger.ts";
import type { Service } from "../base/service.ts";
import { createApp } from "./app.ts";
import { answerClientError, refuseTunnel } from "./client-error.ts";
import { ControllerClient } from "./controller-client.ts";
import { MAX_HEADERS } from "./front-door.ts";
import { clientOf, RateLimiter } from "./limits.ts";
import { HttpMetrics } from "./metrics.ts";

export interface GatewayOptions {
  /** `host:port`; port 0 is any free one. */
  readonly listen: string;
  /** `host:port` of each controller. */
  readonly controllers: readonly string[];
  /** Requests per second that each client may make. */
  readonly rateLimit: number;
  readonly log: Logger;
  /** Instead of {@link SERVER_LIMITS}. */
  readonly limits?: Partial<ServerLimits>;
}

export interface Gateway extends Service {
  /** `host:port` as bound. */
  readonly address: string;
  readonly isListening: boolean;
}

/** What one connection, one address and all of them together may cost. */
export interface ServerLimits {
  readonly headersTimeoutMs: number;
  /** For the request, not for its answer. */
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Without a byte in either direction, while an answer is due. */
  readonly idleTimeoutMs: number;
  readonly checkingIntervalMs: number;
  readonly maxHeaderBytes: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 5_000,
  idleTimeoutMs: 60_000,
  checkingIntervalMs: 1_000,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 10_000,
  maxConnectionsPerClient: 1_000,
};

/** For the answer to a submission: shorter than at the controller, so that too much is turned away where that costs least. */
const LONGEST_WAIT_MS = 250;
/** Connections that wait to be accepted; what comes beyond that is dropped by the kernel, and tried again only seconds later. */
const BACKLOG = 4_096;
/** How long requests may still take when the gateway closes. */
const CLOSE_GRACE_MS = 6_000;
const CLOSE_SWEEP_MS = 50;

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { host, port } = present(parseAddress(options.listen), "the address to listen on");
  const client = new ControllerClient(options.controllers);
  const closing = new AbortController();
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const server = createLimitedServer(limits);
  const limiter = new RateLimiter({ perSecond: options.rateLimit, now: () => performance.now() });
  const intake = new Intake({ longestWaitMs: LONGEST_WAIT_MS });
  const log = options.log;
  server.on(
    "request",
    createApp(
      { client, intake, closing: closing.signal, log },
      { host, limiter, intake, metrics: new HttpMetrics(), log },
    ),
  );
  server.listen({ host, port, backlog: BACKLOG });
  await once(server, "listening");
  const bound = server.address();
  const address = typeof bound === "object" && bound ? formatAddress(host, bound.port) : options.listen;
  log.info({ address }, "gateway listens");
  let closed: Promise<void> | undefined;
  const close = async () => {
    closing.abort();
    await closeServer(server);
    await client.close();
  };
  return {
    address,
    get isListening() {
      return server.listening;
    },
    close: () => (closed ??= close()),
  };
}

function createLimitedServer(limits: ServerLimits): Server {
  const server = createServer({
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: limits.checkingIntervalMs,
    maxHeaderSize: limits.maxHeaderBytes,
    // A missing host is refused with a body, at the front door.
    requireHostHeader: false,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    noDelay: true,
  });
  server.timeout = limits.idleTimeoutMs;
  // One more than is allowed is kept, so that too many can be told from enough.
  server.maxHeadersCount = MAX_HEADERS + 1;
  server.maxConnections = limits.maxConnections;
  limitConnectionsPerClient(server, limits.maxConnectionsPerClient);
  const answers = new WeakMap<Duplex, ServerResponse>();
  server.on("request", (request, response) => answers.set(request.socket, response));
  server.on("clientError", (error, socket) => {
    const answer = answers.get(socket);
    answerClientError(error, socket, answer?.headersSent === true && !answer.writableFinished);
  });
  server.on("connect", refuseTunnel);
  // Whoever reads the body asks for it; expectations that nobody can meet are refused with all else that is odd.
  server.on("checkContinue", (request, response) => server.emit("request", request, response));
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
  return server;
}

function limitConnectionsPerClient(server: Server, max: number): void {
  const counts = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const client = clientOf(socket.remoteAddress);
    const count = (counts.get(client) ?? 0) + 1;
    counts.set(client, count);
    socket.once("close", () => {
      const left = (counts.get(client) ?? 1) - 1;
      if (left > 0) counts.set(client, left);
      else counts.delete(client);
    });
    if (count > max) socket.destroy();
  });
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  // A connection that was busy is kept alive after its answer, as if more could come.
  const sweep = setInterval(() => server.closeIdleConnections(), CLOSE_SWEEP_MS);
  const end = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(end);
}
