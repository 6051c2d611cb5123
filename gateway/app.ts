/** The Express application: the front door, the routes, and the two answers for what falls through. */
import express, { type ErrorRequestHandler, type Express } from "express";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { sendError } from "./answer.ts";
import { routeNotFound, toAnswer } from "./errors.ts";
import { type FrontDoorOptions, frontDoor } from "./front-door.ts";
import { API_PREFIX, mount, type RouteContext } from "./route.ts";
import { clusterRoutes } from "./routes/cluster.ts";
import { healthRoutes } from "./routes/health.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { nodeRoutes } from "./routes/nodes.ts";
import { notYetPages, notYetRoutes } from "./routes/not-yet.ts";
import { tenantRoutes } from "./routes/tenants.ts";

export function createApp(context: RouteContext, door: FrontDoorOptions): Express {
  const app = express();
  app.disable("x-powered-by").disable("etag").disable("query parser");
  app.enable("case sensitive routing");
  app.use(frontDoor(door));
  mount(app, API_PREFIX, [
    ...notYetRoutes(),
    ...jobRoutes(context),
    ...tenantRoutes(context),
    ...nodeRoutes(context),
    ...clusterRoutes(context),
  ]);
  const health = healthRoutes(context, door.metrics);
  mount(app, "", [...health, ...notYetPages()]);
  mount(app, API_PREFIX, health);
  app.use(() => {
    throw routeNotFound();
  });
  app.use(answerErrors(context.log));
  return app;
}

function answerErrors(log: Logger): ErrorRequestHandler {
  return (error, request, response, _next) => {
    const answer = toAnswer(error);
    const requestId = response.getHeader("X-Request-Id");
    if (answer.status === 503 || answer.status === 507)
      log.warn({ requestId, reason: reasonOf(error) }, "scheduler not available");
    else if (answer.status >= 500) log.error({ requestId, err: error }, "request failed");
    // The answer has begun, or nobody is there to read it: all that can be told is that it is not whole.
    if (response.headersSent || response.destroyed) response.destroy();
    else sendError(request, response, answer);
  };
}

function reasonOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
