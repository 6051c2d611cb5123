import { type AllocationKey, allocationName, asDeviceId, type NodeName } from "../../../base/ids.ts";
import type { AllocationReport, InputOf } from "../input.ts";
import { type Allocation, isHeld } from "../model/allocation.ts";
import type { Job } from "../model/job.ts";
import type { Node } from "../model/node.ts";
import type { State } from "../model/state.ts";
import type { Output } from "../output.ts";
import { tellRelease, tellStopOf } from "../tell.ts";
import { endRank, startRank } from "../rank.ts";
import { finish } from "../transition.ts";

/** More allocations than any host runs: what an agent names beyond that is not remembered. */
const MAX_LEFTOVERS = 10_000;

/** An agent tells how one of its allocations does. Reports on an old stream are ignored: the new one repeats them. */
export function onAllocationReport(state: State, input: InputOf<"allocation-report">, out: Output): void {
  const node = state.nodes.get(input.node);
  if (!node || node.session !== input.session) return;
  node.lastHeardAt = input.at;
  applyReport(state, node, input.report, out, input.at);
}

/** Brings the ledger in step with what a node says of one allocation, and the node in step with the ledger. */
export function applyReport(state: State, node: Node, report: AllocationReport, out: Output, at: number): void {
  const name = node.record.name;
  const wanted = wantedAllocation(state, name, report.key);
  if (!wanted) {
    applyUnwanted(state, node, report, out, at);
    return;
  }
  const { job, allocation } = wanted;
  switch (report.state.phase) {
    case "starting":
      state.progress.set(job.id, report.state.message);
      return;
    case "running":
      if (allocation.state.phase === "assigned") {
        startRank(state, out, job, allocation.rank, clampToPast(report.state.startedAt, job, at), at);
      }
      return;
    case "ended": {
      const { startedAt, endedAt = at, end } = report.state;
      const began = allocation.state.phase === "running" ? allocation.state.startedAt : startedAt;
      const ended = {
        rank: allocation.rank,
        startedAt: began === undefined ? undefined : clampToPast(began, job, at),
        endedAt: clampToPast(Math.max(endedAt, began ?? 0), job, at),
        end,
      };
      endRank(state, out, job, ended, at);
      tellRelease(state, out, name, report.key);
    }
  }
}

/** The allocation that the ledger holds under this key on this node; undefined for anything that should not run. */
function wantedAllocation(state: State, node: NodeName, key: AllocationKey) {
  const job = state.jobs.get(key.jobId);
  if (!job || job.attempt !== key.attempt) return undefined;
  if (job.phase !== "starting" && job.phase !== "running" && job.phase !== "stopping") return undefined;
  const allocation: Allocation | undefined = job.allocations.find((a) => a.rank === key.rank && a.node === node);
  return allocation && isHeld(allocation) ? { job, allocation } : undefined;
}

/**
 * A rank that the ledger does not want (any more). If the job is known, its end is on record: the node stops and forgets it.
 * If it is not, nothing is done to it: a controller never ends what it does not know. Either way its devices are not given out.
 */
function applyUnwanted(state: State, node: Node, report: AllocationReport, out: Output, at: number): void {
  const name = allocationName(report.key);
  const job = state.jobs.get(report.key.jobId);
  const known = job !== undefined;
  if (report.state.phase === "ended") {
    if (node.leftovers.delete(name)) state.touch(node);
    if (known) tellRelease(state, out, node.record.name, report.key);
    return;
  }
  if (node.leftovers.size < MAX_LEFTOVERS) {
    node.leftovers.set(name, report.devices.map(asDeviceId));
    state.cluster.touch(node);
  }
  if (job && job.attempt < report.key.attempt) giveUpBehind(state, job, node, report.key.attempt, out, at);
  else if (known) tellStopOf(state, out, node.record.name, report.key, 0, "this attempt is over");
}

/**
 * A later attempt than the ledger knows runs: the ledger is older than it, and a person has accepted that. The attempt goes on, and
 * so that the job never runs twice at once, it is not tried again.
 */
function giveUpBehind(state: State, { id, phase }: Job, node: Node, attempt: number, out: Output, at: number): void {
  if (phase === "finished") return;
  const message = `attempt ${attempt} runs on node ${node.record.name}, begun after the state was saved that was restored: it goes on, and is not followed`;
  for (const { rank } of state.job(id).allocations) {
    const job = state.job(id);
    const allocation = job.allocations[rank];
    if (!allocation || !isHeld(allocation) || job.phase === "queued" || job.phase === "held") continue;
    if (job.phase === "finished") return;
    endRank(state, out, job, { rank, startedAt: undefined, endedAt: at, end: { kind: "fenced", message } }, at);
  }
  const left = state.job(id);
  if (left.phase !== "finished") finish(state, out, left, { kind: "failed", message }, at);
}

/** An agent's clock may be wrong: its times are taken only as far as they fit between the submission and now. */
function clampToPast(time: number, job: Job, at: number): number {
  return Math.min(at, Math.max(time, job.submittedAt));
}
