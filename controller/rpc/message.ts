/** One sentence on why a job is where it is: the core's reasons, rendered for people. */
import { formatTimestamp } from "../../base/time.ts";
import { whyWaiting } from "../core/explain.ts";
import { describeIdleness } from "../core/idleness.ts";
import { isHeld } from "../core/model/allocation.ts";
import { demandOf, type Hold, type Job, type JobIn } from "../core/model/job.ts";
import type { Node } from "../core/model/node.ts";
import type { State } from "../core/model/state.ts";
import { describeHeld } from "../core/quorum.ts";
import { describeWait } from "./describe-wait.ts";
import { namesOf } from "./names.ts";

/** The job's `message`: empty for one that simply runs. */
export function messageFor(state: State, job: Job, at: number): string {
  switch (job.phase) {
    case "queued":
      return waiting(state, job, at);
    case "held":
      return describeHold(job.hold);
    case "starting":
      return (state.progress.get(job.id) || `starting on ${nodesOf(job)}`) + silence(state, job);
    case "running":
      return runningMessage(state, job);
    case "stopping":
      return `${job.verdict.message}; stopping on ${nodesOf(job)}${silence(state, job)}`;
    case "finished":
      return job.outcome.message;
  }
}

/** Why a held job does not queue yet. */
export function describeHold(hold: Hold): string {
  switch (hold.kind) {
    case "backoff":
      return `${hold.why}; next attempt at ${formatTimestamp(hold.until)}`;
    case "not-before":
      return `not to start before ${formatTimestamp(hold.until)}`;
    case "dependencies": {
      return `waiting for ${namesOf(hold.on)} to complete`;
    }
  }
}

function nodesOf(job: Job): string {
  return job.allocations.map((allocation) => allocation.node).join(", ");
}

function runningMessage(state: State, job: JobIn<"running">): string {
  const silent = silentNode(state, job);
  if (!silent) return describeIdleness(state, job) ?? "";
  const held = nodesInUse(state, job).find((node) => node.requeuesHeld)?.requeuesHeld;
  if (held) return `${silent}; the job is not started elsewhere yet: ${describeHeld(held)}`;
  return `${silent}; the job is presumed to go on`;
}

/** The end of a sentence on what is waited for: which node does not answer, if one does not. */
function silence(state: State, job: Job): string {
  const silent = silentNode(state, job);
  if (silent) return `: ${silent}`;
  const cut = nodesInUse(state, job).find((node) => node.session === undefined);
  return cut ? `: node ${cut.record.name} is not connected` : "";
}

/** The nodes of the ranks that have not ended. */
function nodesInUse(state: State, job: Job): readonly Node[] {
  const names = job.allocations.filter(isHeld).map((allocation) => allocation.node);
  return names.flatMap((name) => state.nodes.get(name) ?? []);
}

/** The first node of a rank that has not ended which is not online. */
function silentNode(state: State, job: Job): string | undefined {
  const silent = nodesInUse(state, job).find((node) => node.reach !== "online");
  return silent && `node ${silent.record.name} is ${silent.reach}`;
}

function waiting(state: State, job: JobIn<"queued">, at: number): string {
  const why = whyWaiting(state, job, at);
  const lastTry = job.history.at(-1);
  const story = lastTry?.kind === "requeued" ? `${lastTry.message}; ` : "";
  return story + describeWait(why, demandOf(state.spec(job.id)));
}
