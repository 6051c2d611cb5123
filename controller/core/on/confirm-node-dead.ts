import { RequestError } from "../../../base/errors.ts";
import { formatDuration } from "../../../base/time.ts";
import { findNode } from "../find-node.ts";
import type { Answers, InputOf } from "../input.ts";
import type { Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";
import { giveUpRanks, heldRanks } from "../node-ranks.ts";

/**
 * An operator's word that a host is off: nothing of what the ledger has there runs any more. Its jobs queue again at once, also
 * those that would wait for the node, and those that were being stopped are stopped. Should the host come back after all, its
 * old attempts are stopped like those of any lost node.
 *
 * Refused while the node has been silent for less than it takes to be unreachable: then it may be alive, or this term may be too
 * young to know. The word can move jobs earlier than any lease allows, so that nothing but evidence may contradict it.
 */
export function onConfirmNodeDead(
  state: State,
  input: InputOf<"confirm-node-dead">,
  out: Output,
): Answers["confirm-node-dead"] {
  const { at, by, reason } = input;
  const node = findNode(state, input.node);
  refuseIfHeard(state, node, at);
  node.reach = "lost";
  node.goodBeats = 0;
  // A stream to a host without power stays open for a while. What it may still say is said again on a new one.
  node.session = undefined;
  node.leftovers.clear();
  node.record = { ...node.record, confirmedDead: { at, by, reason } };
  out.write({ table: "node", key: node.record.name, value: node.record });
  state.unheard.delete(node.record.name);
  state.touch(node);
  const message = `node ${node.record.name} was confirmed dead by ${by}: ${reason}`;
  const affected = [...node.jobs.keys()];
  giveUpRanks(state, out, { node, ranks: heldRanks(state, node), message }, at);
  return { affected };
}

function refuseIfHeard(state: State, { record, lastHeardAt }: Node, at: number): void {
  const { nodeUnreachableAfterMs } = state.settings;
  const silentMs = at - lastHeardAt;
  if (silentMs >= nodeUnreachableAfterMs) return;
  throw new RequestError(
    "conflict",
    `cannot confirm that node ${record.name} is dead: it may have been heard ${formatDuration(silentMs)} ago; ` +
      `switch it off, and say so again once it has been silent for ${formatDuration(nodeUnreachableAfterMs)}`,
  );
}
