/** What every request passes first: it gets its id and headers, is counted, and is turned away when it should not go on. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { isLoopbackHost } from "../base/address.ts";
import { type Intake, overloaded } from "../base/intake.ts";
import type { Logger } from "../base/logger.ts";
import { printable } from "../contract/parse.ts";
import { SECURITY_HEADERS } from "./answer.ts";
import { HttpError, routeNotFound } from "./errors.ts";
import { clientOf, type RateLimiter } from "./limits.ts";
import { type HttpMetrics, nameRoute, routeOf } from "./metrics.ts";
import { API_PREFIX } from "./route.ts";

export const MAX_URL_LENGTH = 4 * 1024;
export const MAX_HEADERS = 100;

/** Probes and scrapers must be answered when a client has used up its rate. */
const RATE_EXEMPT = new Set(["/health", "/ready", "/metrics"].flatMap((path) => [path, API_PREFIX + path]));

/** A dry run, which has a query, submits nothing. */
const SUBMISSIONS = new Set(["/jobs", "/jobs/batch"].map((path) => API_PREFIX + path));

/** One for all: where it was thrown is of no interest, and finding that out would be a good part of what it costs. */
const TURNED_AWAY = overloaded();

export interface FrontDoorOptions {
  /** The host on which the gateway listens: on loopback, only names of this machine are answered. */
  readonly host: string;
  readonly limiter: RateLimiter;
  readonly intake: Intake;
  readonly metrics: HttpMetrics;
  readonly log: Logger;
}

export function frontDoor(options: FrontDoorOptions): RequestListener {
  const hosts = isLoopbackHost(options.host) ? loopbackNames(options.host) : undefined;
  return (request, response) => {
    takeOriginForm(request);
    startAnswer(request, response, options);
    checkRate(request, response, options.limiter);
    checkRequestLine(request);
    checkHeaders(request, hosts);
    checkRoom(request, response, options.intake);
  };
}

/** A target with scheme and host is the same as one without (RFC 9112, 3.2.2): its host counts, whatever `Host` says. */
function takeOriginForm(request: IncomingMessage): void {
  const [, authority, target] = /^http:\/\/([A-Za-z0-9.:[\]-]+)(\/.*)$/is.exec(urlOf(request)) ?? [];
  if (authority === undefined || target === undefined) return;
  request.url = target;
  if (request.headers.host !== undefined) request.headers.host = authority;
}

function startAnswer(request: IncomingMessage, response: ServerResponse, { metrics, log }: FrontDoorOptions): void {
  const startedAtMs = performance.now();
  const requestId = idOf(request);
  response.setHeader("X-Request-Id", requestId);
  for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
  response.once("close", () => {
    const durationMs = performance.now() - startedAtMs;
    const status = response.writableFinished ? String(response.statusCode) : "aborted";
    metrics.observe(request.method ?? "", routeOf(response), status, durationMs / 1_000);
    if (!log.isLevelEnabled("debug")) return;
    const path = printable(urlOf(request));
    log.debug({ requestId, method: request.method, path, status, durationMs: Math.round(durationMs) }, "request");
  });
}

/** A caller may bring its own id, to find its request in the logs. */
function idOf(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomUUID();
}

/** The peer's address counts, whatever `X-Forwarded-For` says. */
function checkRate(request: IncomingMessage, response: ServerResponse, limiter: RateLimiter): void {
  if (RATE_EXEMPT.has(pathOf(request))) return;
  const rate = limiter.take(clientOf(request.socket.remoteAddress));
  response.setHeader("RateLimit-Limit", rate.limit);
  response.setHeader("RateLimit-Remaining", rate.remaining);
  response.setHeader("RateLimit-Reset", rate.resetSeconds);
  if (rate.allowed) return;
  throw new HttpError(429, "Rate limit exceeded", { headers: { "Retry-After": String(rate.retryAfterSeconds) } });
}

function checkRequestLine(request: IncomingMessage): void {
  if (request.method === "TRACE") throw new HttpError(405, "Method not allowed", { headers: { Allow: "GET, HEAD" } });
  if (urlOf(request).length > MAX_URL_LENGTH) {
    throw new HttpError(414, `URL is longer than ${MAX_URL_LENGTH} characters`, { closes: true });
  }
  // No path here needs an escape, an empty segment or a parameter: what has one tries to be another path somewhere.
  const path = pathOf(request);
  if (!path.startsWith("/") || /\/\/|[%;\\]/.test(path)) throw routeNotFound();
}

function checkHeaders(request: IncomingMessage, hosts: ReadonlySet<string> | undefined): void {
  const headers = request.rawHeaders;
  if (headers.length / 2 > MAX_HEADERS) {
    throw new HttpError(431, `Request has more than ${MAX_HEADERS} headers`, { closes: true });
  }
  if (countHosts(headers) !== 1 && request.httpVersion !== "1.0") {
    throw new HttpError(400, "Host must be given once", { closes: true });
  }
  const coding = request.headers["transfer-encoding"];
  if (coding !== undefined && coding.toLowerCase() !== "chunked") {
    throw new HttpError(415, "Transfer-Encoding must be chunked: compressed bodies are not accepted", { closes: true });
  }
  if (request.headers.expect !== undefined && request.headers.expect.toLowerCase() !== "100-continue") {
    throw new HttpError(417, "Expect must be 100-continue", { closes: true });
  }
  const host = request.headers.host;
  if (!hosts || host === undefined || hosts.has(host.replace(/:\d*$/, "").toLowerCase())) return;
  throw new HttpError(421, "Host is not a name of this machine");
}

/** A submission that cannot be served in time is turned away before anything is done for it: its body is not even read. */
function checkRoom(request: IncomingMessage, response: ServerResponse, intake: Intake): void {
  if (request.method !== "POST" || !SUBMISSIONS.has(urlOf(request)) || !intake.isFull) return;
  nameRoute(response, urlOf(request));
  throw TURNED_AWAY;
}

function countHosts(headers: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.length === 4 && headers[index]?.toLowerCase() === "host") count += 1;
  }
  return count;
}

/** A page of another site can make a browser come here under that site's name: those are not ours to answer. */
function loopbackNames(host: string): ReadonlySet<string> {
  return new Set(["localhost", "127.0.0.1", "[::1]", host.includes(":") ? `[${host}]` : host]);
}

function pathOf(request: IncomingMessage): string {
  const url = urlOf(request);
  const end = url.indexOf("?");
  return end < 0 ? url : url.slice(0, end);
}

/** Requests to a server have one. */
function urlOf({ url = "" }: IncomingMessage): string {
  return url;
}
