import type { JobId } from "../../../base/ids.ts";
import { watchDrain } from "../drain.ts";
import { findNode } from "../find-node.ts";
import type { Answers, InputOf } from "../input.ts";
import { type Cordon, type Node, withCordon } from "../model/node.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";

/**
 * An operator's word that the node takes no new jobs, until it is taken back: whatever the node itself says. With a drain, what
 * still runs there at its end has to leave. What was said last holds: a cordon without a drain ends the one before.
 */
export function onCordonNode(state: State, input: InputOf<"cordon-node">, out: Output): Answers["cordon-node"] {
  const { at, by, reason, drainMs } = input;
  const node = findNode(state, input.node);
  const drain = drainMs === undefined ? {} : { drainUntil: at + drainMs };
  setCordon(state, node, { at, by, reason, ...drain }, out);
  watchDrain(state, node);
  return { affected: jobsOn(node) };
}

/** The node takes jobs again. What was told to leave still does. */
export function onUncordonNode(state: State, input: InputOf<"uncordon-node">, out: Output): Answers["uncordon-node"] {
  const node = findNode(state, input.node);
  if (node.record.cordon) setCordon(state, node, undefined, out);
  return { affected: jobsOn(node) };
}

function setCordon(state: State, node: Node, cordon: Cordon | undefined, out: Output): void {
  node.record = withCordon(node.record, cordon);
  out.write({ table: "node", key: node.record.name, value: node.record });
  state.touch(node);
}

function jobsOn(node: Node): readonly JobId[] {
  return [...node.jobs.keys()];
}
