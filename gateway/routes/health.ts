import { noQuerySchema } from "../../contract/query.ts";
import { sendJson } from "../answer.ts";
import { scheduler } from "../controller-client.ts";
import type { HttpMetrics } from "../metrics.ts";
import { type Handler, readQuery, type Route, type RouteContext } from "../route.ts";

/** Served at the root as well. `health` is about this process, `ready` about whether a controller leads. */
export function healthRoutes(context: RouteContext, metrics: HttpMetrics): Route[] {
  return [
    { path: "/health", methods: { GET: health } },
    { path: "/ready", methods: { GET: ready(context) } },
    { path: "/metrics", methods: { GET: expose(metrics) } },
  ];
}

const health: Handler = (request, response) => {
  readQuery(request, noQuerySchema);
  sendJson(response, 200, { status: "healthy" });
};

/** The route has no rate limit: however many ask, one question at a time goes to the controllers. */
function ready({ client }: RouteContext): Handler {
  let question: Promise<unknown> | undefined;
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    question ??= client.call(scheduler.GetClusterStatus, {}).finally(() => {
      question = undefined;
    });
    await question;
    sendJson(response, 200, { status: "ready" });
  };
}

function expose(metrics: HttpMetrics): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    response.writeHead(200, { "Content-Type": metrics.contentType }).end(await metrics.text());
  };
}
