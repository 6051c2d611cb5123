import { RequestError } from "../../base/errors.ts";
import { noQuerySchema } from "../../contract/query.ts";
import { sendJson } from "../answer.ts";
import { scheduler } from "../controller-client.ts";
import { type Handler, readQuery, type Route, type RouteContext } from "../route.ts";
import { toNode } from "../translate/node.ts";

export function nodeRoutes(context: RouteContext): Route[] {
  return [
    { path: "/nodes", methods: { GET: list(context) } },
    { path: "/nodes/:name", methods: { GET: get(context) } },
  ];
}

function list({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    const { nodes } = await client.call(scheduler.ListNodes, {});
    sendJson(response, 200, { nodes: nodes.map(toNode), total: nodes.length });
  };
}

function get({ client }: RouteContext): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    const { nodes } = await client.call(scheduler.ListNodes, {});
    const node = nodes.find(({ name }) => name === request.params.name);
    if (!node) throw new RequestError("not_found", "Node not found");
    sendJson(response, 200, toNode(node));
  };
}
