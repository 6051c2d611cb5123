import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { Gauge, Registry } from "prom-client";
import { withDeadline } from "../base/abort.ts";
import { formatAddress, parseAddress } from "../base/address.ts";
import { present } from "../base/assert.ts";
import { messageOf, RequestError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import type { Service } from "../base/service.ts";
import { version } from "../base/version.ts";
import type { Candidate, StoreReading } from "./candidate.ts";
import type { Leadership } from "./leadership.ts";

export interface MetricsOptions {
  /** Host and port; port 0 takes a free one. */
  readonly listen: string;
  readonly candidate: Candidate;
  readonly leadership: Pick<Leadership, "term" | "countHealth">;
  readonly log: Logger;
}

const REQUEST_TIMEOUT_MS = 10_000;
const STATE_DEADLINE_MS = 2_000;

/** Serves `/metrics` and `/health` of a controller, whether it leads or waits. */
export async function serveMetrics(options: MetricsOptions): Promise<Service & { readonly address: string }> {
  const { host, port } = present(parseAddress(options.listen), "the address to listen on");
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    answer(options, request.method === "GET" ? request.url : undefined).then(
      ({ status, type, body }) => response.writeHead(status, { "Content-Type": type }).end(body),
      (error: unknown) => {
        options.log.error({ error: messageOf(error) }, "metrics cannot be told");
        response.writeHead(500).end();
      },
    );
  });
  await listen(server, host, port, options.listen);
  const bound = server.address();
  const address = typeof bound === "object" && bound ? formatAddress(host, bound.port) : options.listen;
  options.log.info({ address }, "metrics are served");
  const close = async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { address, close };
}

async function listen(server: Server, host: string, port: number, address: string): Promise<void> {
  server.listen({ host, port });
  await once(server, "listening").catch((error: unknown) => {
    throw new RequestError("unavailable", `cannot listen on ${address}: ${messageOf(error)}`, { cause: error });
  });
}

async function answer({ candidate, leadership }: MetricsOptions, url: string | undefined) {
  const { term } = leadership;
  if (url === "/health") {
    const facts = { status: "healthy", role: term === undefined ? "follower" : "leader", term: term ?? null };
    const body = JSON.stringify({ ...facts, leader: candidate.leader?.address ?? null });
    return { status: 200, type: "application/json", body };
  }
  if (url !== "/metrics") return { status: 404, type: "text/plain", body: "Not found\n" };
  const [reading, devices] = await Promise.all([candidate.readStore(), healthOf(leadership)]);
  const registry = metricsOf(term, candidate.leader !== undefined, reading);
  const name = "gpusched_devices";
  const gauge = new Gauge({ name, help: "GPUs by how they are", labelNames: ["health"], registers: [registry] });
  for (const [health, count] of Object.entries(devices ?? {})) gauge.set({ health }, count);
  return { status: 200, type: registry.contentType, body: await registry.metrics() };
}

/** Undefined when this controller does not lead, or its term ends or does not answer just now. */
async function healthOf(leadership: Pick<Leadership, "countHealth">) {
  const counted = withDeadline("the controller's loop", STATE_DEADLINE_MS, () => leadership.countHealth());
  return await counted.catch(() => undefined);
}

/** Made anew for each answer: what is not known has then no series. */
function metricsOf(term: number | undefined, hasLeader: boolean, reading: StoreReading): Registry {
  const registry = new Registry();
  const gauge = (name: string, help: string, value: number | undefined) => {
    if (value !== undefined) new Gauge({ name: `gpusched_${name}`, help, registers: [registry] }).set(value);
  };
  const perPart = (name: string, help: string, values: readonly (readonly [string, number | undefined])[]) => {
    const one = new Gauge({ name: `gpusched_${name}`, help, labelNames: ["part"], registers: [registry] });
    for (const [part, value] of values) if (value !== undefined) one.set({ part }, value);
  };
  const { parts, unreachable, isShort, copy } = reading;
  new Gauge({ name: "gpusched_build_info", help: "Always 1", labelNames: ["version"], registers: [registry] }).set(
    { version },
    1,
  );
  gauge("is_leader", "1 if this controller leads", term === undefined ? 0 : 1);
  gauge("has_leader", "1 if this controller knows of a leader, itself included", hasLeader ? 1 : 0);
  gauge("term", "The term in which this controller leads", term);
  gauge("store_short", "1 while nothing new is taken for lack of room", isShort ? 1 : 0);
  const up = [...parts.map(({ name }) => [name, 1] as const), ...unreachable.map((name) => [name, 0] as const)];
  perPart("store_up", "1 if the file is there, or the member of etcd answers", up);
  perPart(
    "store_size_bytes",
    "How large its file is",
    parts.map(({ name, sizeBytes }) => [name, sizeBytes]),
  );
  perPart(
    "store_in_use_bytes",
    "How much of it holds something",
    parts.map(({ name, inUseBytes }) => [name, inUseBytes]),
  );
  perPart(
    "store_quota_bytes",
    "How large it may become",
    parts.map(({ name, quotaBytes }) => [name, quotaBytes]),
  );
  gauge("copy_rows", "Rows of the state in the copy of a controller that waits to lead", copy?.rows);
  gauge("copy_behind_commits", "Commits that this copy does not have yet", copy?.behind);
  return registry;
}
