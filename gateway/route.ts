/** A route is data: a path and a handler for each method. Everything else about paths and methods is decided here. */
import { parse } from "node:querystring";
import type { Express, Request, Response } from "express";
import type { z } from "zod";
import { RequestError } from "../base/errors.ts";
import type { Intake } from "../base/intake.ts";
import type { Logger } from "../base/logger.ts";
import { parseOrRefuse } from "../contract/parse.ts";
import type { ControllerClient } from "./controller-client.ts";
import { HttpError, routeNotFound } from "./errors.ts";
import { nameRoute } from "./metrics.ts";

export const API_PREFIX = "/api/v1";

export type Handler = (request: Request, response: Response) => Promise<void> | void;
export type Method = "GET" | "POST" | "PATCH" | "DELETE";

export interface Route {
  /** As Express writes it: `/jobs/:id`. */
  readonly path: string;
  readonly methods: Readonly<Partial<Record<Method, Handler>>>;
}

/** What handlers work with. */
export interface RouteContext {
  readonly client: ControllerClient;
  /** What every submission passes. */
  readonly intake: Intake;
  /** Ends answers that would otherwise go on for as long as they are read. */
  readonly closing: AbortSignal;
  readonly log: Logger;
}

/** Adds the routes to the application. A path that exists answers 405 to the methods that it does not have. */
export function mount(app: Express, prefix: string, routes: readonly Route[]): void {
  for (const route of routes) {
    const template = prefix + route.path;
    const allowed = Object.keys(route.methods).flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    app.route(template).all((request, response) => {
      nameRoute(response, template);
      const handler = handlerOf(route, request.method);
      if (!handler) throw new HttpError(405, "Method not allowed", { headers: { Allow: allowed.join(", ") } });
      return handler(request, response);
    });
  }
}

function handlerOf(route: Route, method: string): Handler | undefined {
  const name = method === "HEAD" ? "GET" : method;
  return Object.hasOwn(route.methods, name) ? route.methods[name as Method] : undefined;
}

/** The query as the schema's type. A parameter that is not known is refused, as is an escape that cannot be read. */
export function readQuery<T>(request: Request, schema: z.ZodType<T>, notYet: readonly string[] = []): T {
  const [, search = ""] = /\?(.*)$/s.exec(request.url) ?? [];
  try {
    decodeURIComponent(search);
  } catch (error) {
    throw new RequestError("invalid", "Invalid query: it holds an escape that cannot be read", { cause: error });
  }
  return parseOrRefuse(schema, parse(search, "&", "=", { maxKeys: 0 }), "Invalid query", notYet, "parameter");
}

/** The path's parameter, when it looks like the name of something; anything else names nothing. */
export function pathName(request: Request, name: string, pattern: RegExp, missing: string): string {
  const value = request.params[name];
  if (typeof value !== "string") throw routeNotFound();
  if (!pattern.test(value)) throw new RequestError("not_found", missing);
  return value;
}
