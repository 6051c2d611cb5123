import type { z } from "zod";
import { RequestError } from "../../base/errors.ts";
import { present } from "../../base/assert.ts";
import { confirmDeadSchema, cordonSchema, drainSchema, NODE_NAME, uncordonSchema } from "../../contract/node.ts";
import type { ChangeNodeResponse__Output } from "../../proto/generated/gpusched/v1/ChangeNodeResponse.ts";
import { parseOrRefuse } from "../../contract/parse.ts";
import { noQuerySchema } from "../../contract/query.ts";
import { sendJson } from "../answer.ts";
import { hasBody, MAX_BODY_BYTES, readJson } from "../body.ts";
import { scheduler } from "../controller-client.ts";
import { type Handler, pathName, readQuery, type Route, type RouteContext } from "../route.ts";
import { toNode } from "../translate/node.ts";

/** What could be a device's id, as drivers write them. */
const DEVICE_ID = /^[A-Za-z0-9._:-]{1,253}$/;

export function nodeRoutes(context: RouteContext): Route[] {
  return [
    { path: "/nodes", methods: { GET: list(context) } },
    { path: "/nodes/:name", methods: { GET: get(context) } },
    { path: "/nodes/:name/confirm-dead", methods: { POST: confirmDead(context) } },
    { path: "/nodes/:name/cordon", methods: { POST: cordon(context) } },
    { path: "/nodes/:name/drain", methods: { POST: drain(context) } },
    { path: "/nodes/:name/uncordon", methods: { POST: uncordon(context) } },
    { path: "/nodes/:name/devices/:device/quarantine", methods: { POST: quarantine(context) } },
    { path: "/nodes/:name/devices/:device/release", methods: { POST: release(context) } },
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
    const name = pathName(request, "name", NODE_NAME, "Node not found");
    const { nodes } = await client.call(scheduler.ListNodes, { name });
    const node = nodes.find((one) => one.name === name);
    if (!node) throw new RequestError("not_found", "Node not found");
    sendJson(response, 200, toNode(node));
  };
}

function confirmDead({ client }: RouteContext): Handler {
  return operatorWord(confirmDeadSchema, "needed", (word) => client.call(scheduler.ConfirmNodeDead, word));
}

function cordon({ client }: RouteContext): Handler {
  return operatorWord(cordonSchema, "optional", (word) => client.call(scheduler.CordonNode, word));
}

function drain({ client }: RouteContext): Handler {
  return operatorWord(drainSchema, "optional", (word) => client.call(scheduler.DrainNode, word));
}

function uncordon({ client }: RouteContext): Handler {
  return operatorWord(uncordonSchema, "optional", (word) => client.call(scheduler.UncordonNode, word));
}

function quarantine({ client }: RouteContext): Handler {
  return deviceWord((word) => client.call(scheduler.QuarantineDevice, word));
}

function release({ client }: RouteContext): Handler {
  return deviceWord((word) => client.call(scheduler.ReleaseDevice, word));
}

type DeviceWord = z.infer<typeof cordonSchema> & { readonly node_name: string; readonly device_id: string };

/** What an operator says of a device of a node. */
function deviceWord(call: (word: DeviceWord) => Promise<ChangeNodeResponse__Output>): Handler {
  return (request, response) => {
    const device_id = pathName(request, "device", DEVICE_ID, "Device not found");
    return operatorWord(cordonSchema, "optional", (word) => call({ ...word, device_id }))(request, response);
  };
}

/** What an operator says of a node. A body that is optional may be left out altogether. */
function operatorWord<Word>(
  schema: z.ZodType<Word>,
  bodyIs: "needed" | "optional",
  call: (word: Word & { node_name: string }) => Promise<ChangeNodeResponse__Output>,
): Handler {
  return async (request, response) => {
    readQuery(request, noQuerySchema);
    const node_name = pathName(request, "name", NODE_NAME, "Node not found");
    const isLeftOut = bodyIs === "optional" && !hasBody(request);
    const body = isLeftOut ? {} : await readJson(request, response, { maxBytes: MAX_BODY_BYTES });
    const word = parseOrRefuse(schema, body, "Invalid request body");
    const { node, job_ids } = await call({ ...word, node_name });
    sendJson(response, 200, { node: toNode(present(node, "the node")), job_ids });
  };
}
