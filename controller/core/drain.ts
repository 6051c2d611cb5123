/** What runs on a node that is being drained may end by itself until the drain's end, and then has to leave. */
import type { Cordon, Node } from "./model/node.ts";
import { heldRanks } from "./node-ranks.ts";
import type { State } from "./model/state.ts";
import type { Output } from "./output.ts";
import { leave } from "./schedule/preempt/leave.ts";

/** ` by ann: its fan is replaced`, as far as it is known; to follow what is so. */
export function describeCordon({ by, reason }: Pick<Cordon, "by" | "reason">): string {
  return (by === "" ? "" : ` by ${by}`) + (reason === "" ? "" : `: ${reason}`);
}

/** Sees to it that the drain's end is looked at. */
export function watchDrain(state: State, { record }: Node): void {
  const { drainUntil } = record.cordon ?? {};
  if (drainUntil !== undefined) state.deadlines.add({ at: drainUntil, kind: "drain", node: record.name });
}

/** At the drain's end: jobs are stopped in their own time, and queue again or are over, as each of them says. Gangs leave as a whole. */
export function lookAtDrain(state: State, node: Node, out: Output, at: number): void {
  const { cordon } = node.record;
  if (cordon?.drainUntil === undefined || cordon.drainUntil > at) return;
  const message = `node ${node.record.name} is drained${describeCordon(cordon)}`;
  for (const { job } of heldRanks(state, node)) {
    if (job.phase !== "stopping") leave(state, out, job, message, at);
  }
}
