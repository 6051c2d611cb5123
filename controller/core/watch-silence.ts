import type { Node } from "./model/node.ts";
import type { State } from "./model/state.ts";

/** Sees to it that the node's silence is looked at, at the latest then. One entry a node: a later one replaces nothing. */
export function watchSilence(state: State, node: Node, at: number): void {
  if (node.isWatched) return;
  node.isWatched = true;
  state.deadlines.add({ at, kind: "node", node: node.record.name });
}
