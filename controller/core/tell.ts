/** Commands to agents. A node without a stream is told nothing: its next hello brings everything in step. */
import type { AllocationKey, NodeName } from "../../base/ids.ts";
import type { Allocation } from "./model/allocation.ts";
import type { Job, JobIn } from "./model/job.ts";
import type { State } from "./model/state.ts";
import type { Output } from "./output.ts";

/** Has the node start this rank. Repeating it changes nothing there. */
export function tellLaunch(state: State, out: Output, job: Job, allocation: Allocation): void {
  const session = sessionOf(state, allocation.node);
  if (session === undefined) return;
  const first = job.allocations[0];
  const master = first ? state.nodes.get(first.node) : undefined;
  out.tell({
    kind: "launch",
    node: allocation.node,
    session,
    job,
    spec: state.spec(job.id),
    allocation,
    masterAddress: master?.record.inventory.address ?? "",
  });
}

/** Has the node stop this rank of a job that is being stopped. */
export function tellStop(state: State, out: Output, job: JobIn<"stopping">, allocation: Allocation): void {
  const key = { jobId: job.id, attempt: job.attempt, rank: allocation.rank };
  tellStopOf(state, out, allocation.node, key, job.graceMs, job.verdict.message);
}

/** Has the node stop whatever it runs under this key. */
export function tellStopOf(
  state: State,
  out: Output,
  node: NodeName,
  key: AllocationKey,
  graceMs: number,
  reason: string,
): void {
  const session = sessionOf(state, node);
  if (session !== undefined) out.tell({ kind: "stop", node, session, key, graceMs, reason });
}

/** The end is on record: the node may forget the allocation. */
export function tellRelease(state: State, out: Output, node: NodeName, key: AllocationKey): void {
  const session = sessionOf(state, node);
  if (session !== undefined) out.tell({ kind: "release", node, session, key });
}

function sessionOf(state: State, node: NodeName): number | undefined {
  return state.nodes.get(node)?.session;
}
