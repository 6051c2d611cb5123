import { readIdleness } from "../idleness.ts";
import type { InputOf } from "../input.ts";
import type { DeviceReading, Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import { acknowledgeMembership, watchMembership } from "../membership.ts";
import type { Output } from "../output.ts";
import { proveBy, takeConditions, takeExecutor } from "../node-health.ts";
import { noteEcho } from "../quorum.ts";

/** A node is alive: its lease is renewed by the acknowledgement. Telemetry is kept, never stored. */
export function onNodeHeartbeat(state: State, input: InputOf<"node-heartbeat">, out: Output): void {
  const node = state.nodes.get(input.node);
  if (!node || node.session !== input.session) return;
  node.lastHeardAt = input.at;
  if (input.echo !== undefined) noteEcho(state, node, input.echo, input.at);
  if (input.membership !== undefined) acknowledgeMembership(node, input.membership, out);
  node.telemetry = input.telemetry;
  node.reachesPeers = input.reachesPeers;
  const hasReturned = node.executorReady !== input.executor.ready || node.reach !== "online";
  const hasOtherHeat = takeHeat(node, input.telemetry);
  const hasOtherConditions = takeConditions(node, input.conditions);
  node.reach = "online";
  readIdleness(state, node, input.at);
  takeExecutor(node, input.executor);
  const isProven = proveBy(node);
  if (input.inventory) {
    node.record = { ...node.record, inventory: input.inventory };
    out.write({ table: "node", key: input.node, value: node.record });
    watchMembership(state, input.at);
  }
  // Only now: what is free is worked out from what the node has.
  if (hasReturned || hasOtherHeat || hasOtherConditions || isProven || input.inventory) state.touch(node);
  const { node: name, session, sequence, at } = input;
  out.tell({ kind: "heartbeat-ack", node: name, session, sequence, at });
}

/** A device this near to slowing itself down is taken last. */
const HEAT_MARGIN_C = 5;

/** Which devices are hot, or slow themselves down for it; true when that has changed. */
function takeHeat(node: Node, telemetry: readonly DeviceReading[]): boolean {
  const slowdown = new Map(node.record.inventory.devices.map(({ id, slowdownC }) => [id, slowdownC]));
  const isHot = ({ id, temperatureC = 0 }: DeviceReading) =>
    temperatureC >= (slowdown.get(id) ?? Number.POSITIVE_INFINITY) - HEAT_MARGIN_C;
  const hot = new Set(telemetry.filter(isHot).map(({ id }) => id));
  const throttling = new Set(telemetry.filter(({ isThrottling }) => isThrottling).map(({ id }) => id));
  const isSame = hot.symmetricDifference(node.hot).size + throttling.symmetricDifference(node.throttling).size === 0;
  node.hot = hot;
  node.throttling = throttling;
  return !isSame;
}
