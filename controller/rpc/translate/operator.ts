/** What operators say of nodes, from the wire to the core. */
import { asDeviceId, asNodeName } from "../../../base/ids.ts";
import { SECOND_MS } from "../../../base/time.ts";
import { confirmDeadSchema, cordonSchema, drainSchema } from "../../../contract/node.ts";
import { parseOrRefuse } from "../../../contract/parse.ts";
import type { ConfirmNodeDeadRequest__Output } from "../../../proto/generated/gpusched/v1/ConfirmNodeDeadRequest.ts";
import type { CordonNodeRequest__Output } from "../../../proto/generated/gpusched/v1/CordonNodeRequest.ts";
import type { DeviceWordRequest__Output } from "../../../proto/generated/gpusched/v1/DeviceWordRequest.ts";
import type { DrainNodeRequest__Output } from "../../../proto/generated/gpusched/v1/DrainNodeRequest.ts";
import type { UncordonNodeRequest__Output } from "../../../proto/generated/gpusched/v1/UncordonNodeRequest.ts";
import type { InputOf, Unstamped } from "../../core/input.ts";

type OperatorKind = "cordon-node" | "uncordon-node" | "confirm-node-dead" | "quarantine-device" | "release-device";

/** What an operator can say of a node. */
export type OperatorWord = Unstamped<InputOf<OperatorKind>>;

/** @throws RequestError `invalid` naming the field */
export function toCordonNode({ node_name, ...said }: CordonNodeRequest__Output) {
  const { by = "", reason = "" } = parseOrRefuse(cordonSchema, wordOf(said), "Invalid request");
  return { kind: "cordon-node", node: asNodeName(node_name), by, reason } as const;
}

/** @throws RequestError `invalid` naming the field */
export function toDrainNode({ node_name, deadline_seconds: asked, ...said }: DrainNodeRequest__Output) {
  const word = { ...wordOf(said), ...(asked === undefined ? {} : { deadline_seconds: asked }) };
  const { by = "", reason = "", deadline_seconds } = parseOrRefuse(drainSchema, word, "Invalid request");
  return {
    kind: "cordon-node",
    node: asNodeName(node_name),
    by,
    reason,
    drainMs: deadline_seconds * SECOND_MS,
  } as const;
}

export function toUncordonNode({ node_name }: UncordonNodeRequest__Output) {
  return { kind: "uncordon-node", node: asNodeName(node_name) } as const;
}

/** @throws RequestError `invalid` naming the field */
export function toDeviceWord(
  kind: "quarantine-device" | "release-device",
  { node_name, device_id, ...said }: DeviceWordRequest__Output,
) {
  const { by = "", reason = "" } = parseOrRefuse(cordonSchema, wordOf(said), "Invalid request");
  return { kind, node: asNodeName(node_name), device: asDeviceId(device_id), by, reason } as const;
}

/** @throws RequestError `invalid` naming the field */
export function toConfirmNodeDead({ node_name, by, reason }: ConfirmNodeDeadRequest__Output) {
  const given = parseOrRefuse(confirmDeadSchema, { by, reason }, "Invalid request");
  return { kind: "confirm-node-dead", node: asNodeName(node_name), ...given } as const;
}

/** A text that is absent is empty in the protocol. */
function wordOf({ by, reason }: { readonly by: string; readonly reason: string }) {
  return { ...(by === "" ? {} : { by }), ...(reason === "" ? {} : { reason }) };
}
