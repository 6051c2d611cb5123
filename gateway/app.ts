/** The Express application: the front door, the routes, and the two answers for what falls through. */
import type { RequestListener } from "node:http";
import express, { type ErrorRequestHandler } from "express";
import { routeNotFound } from "./errors.ts";
import { failureAnswerer } from "./failures.ts";
import { type FrontDoorOptions, frontDoor } from "./front-door.ts";
import { API_PREFIX, mount, type RouteContext } from "./route.ts";
import { clusterRoutes } from "./routes/cluster.ts";
import { healthRoutes } from "./routes/health.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { nodeRoutes } from "./routes/nodes.ts";
import { notYetPages, notYetRoutes } from "./routes/not-yet.ts";
import { tenantRoutes } from "./routes/tenants.ts";

/** What is turned away at the door does not come to Express at all: under overload that is nearly everything. */
export function createApp(context: RouteContext, door: FrontDoorOptions): RequestListener {
  const app = express();
  app.disable("x-powered-by").disable("etag").disable("query parser");
  app.enable("case sensitive routing");
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
  const answerFailure = failureAnswerer(context.log);
  const answerError: ErrorRequestHandler = (error, request, response, _next) => answerFailure(error, request, response);
  app.use(answerError);
  const pass = frontDoor(door);
  return (request, response) => {
    try {
      pass(request, response);
    } catch (error) {
      answerFailure(error, request, response);
      return;
    }
    app(request, response);
  };
}
