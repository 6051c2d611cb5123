import { RequestError } from "../../base/errors.ts";
import type { NodeName } from "../../base/ids.ts";
import type { Node } from "./model/node.ts";
import type { State } from "./model/state.ts";

/**
 * The node of which somebody speaks.
 *
 * @throws RequestError `not_found`
 */
export function findNode(state: State, name: NodeName): Node {
  const node = state.nodes.get(name);
  if (!node) throw new RequestError("not_found", "Node not found");
  return node;
}
