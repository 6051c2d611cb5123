import type { ServerResponse } from "node:http";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { version } from "../base/version.ts";

const routes = new WeakMap<ServerResponse, string>();

/** Under which route the request counts. */
export function nameRoute(response: ServerResponse, template: string): void {
  routes.set(response, template);
}

export function routeOf(response: ServerResponse): string {
  return routes.get(response) ?? "other";
}

/** Requests as Prometheus counts them: by the route's template, so that the number of series is bounded. */
export class HttpMetrics {
  readonly #registry = new Registry();
  readonly #requests = new Counter({
    name: "gpusched_http_requests_total",
    help: "Requests answered, by method, route and status",
    labelNames: ["method", "route", "status"] as const,
    registers: [this.#registry],
  });
  readonly #durations = new Histogram({
    name: "gpusched_http_request_duration_seconds",
    help: "From a request's headers to the end of its answer",
    labelNames: ["route"] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [this.#registry],
  });

  constructor() {
    const info = new Gauge({
      name: "gpusched_build_info",
      help: "The version that runs; always 1",
      labelNames: ["version"] as const,
      registers: [this.#registry],
    });
    info.set({ version }, 1);
  }

  observe(method: string, route: string, status: string, seconds: number): void {
    this.#requests.inc({ method: route === "other" ? "other" : method, route, status });
    this.#durations.observe({ route }, seconds);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
