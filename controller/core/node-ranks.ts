/** What of placed jobs a node holds, and how it is given up when the node is. */
import { type Allocation, isHeld } from "./model/allocation.ts";
import type { Job, JobIn } from "./model/job.ts";
import type { Node } from "./model/node.ts";
import type { State } from "./model/state.ts";
import type { Output } from "./output.ts";
import { endRank } from "./rank.ts";

/** A job's part on a node. */
export interface HeldRank {
  readonly job: JobIn<"starting" | "running" | "stopping">;
  readonly allocation: Allocation;
}

/** The part of the job that the node holds; undefined when it holds none. */
function heldRankOf(job: Job, node: Node): HeldRank | undefined {
  if (job.phase !== "starting" && job.phase !== "running" && job.phase !== "stopping") return undefined;
  const allocation = job.allocations.find((one) => one.node === node.record.name && isHeld(one));
  return allocation && { job, allocation };
}

/** In the order in which they came to the node. */
export function heldRanks(state: State, node: Node): HeldRank[] {
  return [...node.jobs.keys()].flatMap((jobId) => heldRankOf(state.job(jobId), node) ?? []);
}

/** The ranks are over: nothing of them runs any more, as far as the ledger is concerned. */
export function giveUpRanks(
  state: State,
  out: Output,
  { node, ranks, message }: { readonly node: Node; readonly ranks: readonly HeldRank[]; readonly message: string },
  at: number,
): void {
  for (const { job } of ranks) {
    // The end of one may have changed another.
    const held = heldRankOf(state.job(job.id), node);
    if (!held) continue;
    const { rank, state: was } = held.allocation;
    const startedAt = was.phase === "running" ? was.startedAt : undefined;
    endRank(state, out, held.job, { rank, startedAt, endedAt: at, end: { kind: "fenced", message } }, at);
  }
}
