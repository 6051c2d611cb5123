import type { InputOf } from "../input.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";

/** A node is alive: its lease is renewed by the acknowledgement. Telemetry is kept, never stored. */
export function onNodeHeartbeat(state: State, input: InputOf<"node-heartbeat">, out: Output): void {
  const node = state.nodes.get(input.node);
  if (!node || node.session !== input.session) return;
  node.lastHeardAt = input.at;
  node.telemetry = input.telemetry;
  if (node.executorReady !== input.executor.ready || node.reach !== "online") state.needsPass = true;
  node.reach = "online";
  node.executorReady = input.executor.ready;
  node.executorMessage = input.executor.message;
  if (input.inventory) {
    node.record = { ...node.record, inventory: input.inventory };
    state.needsPass = true;
    out.write({ table: "node", key: input.node, value: node.record });
  }
  out.tell({ kind: "heartbeat-ack", node: input.node, session: input.session, sequence: input.sequence });
}
