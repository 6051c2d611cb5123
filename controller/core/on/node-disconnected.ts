import type { InputOf } from "../input.ts";
import type { State } from "../model/state.ts";

/** The stream is gone; the node itself may be well. Its silence is counted from when it was last heard. */
export function onNodeDisconnected(state: State, input: InputOf<"node-disconnected">): void {
  const node = state.nodes.get(input.node);
  if (node?.session !== input.session) return;
  node.session = undefined;
  state.cluster.touch(node);
}
