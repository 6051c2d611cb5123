/** Explanations and dry runs as REST shows them. Lists are whole, what does not apply is null. */
import { formatDuration } from "../../base/time.ts";
import type { Blocker__Output } from "../../proto/generated/gpusched/v1/Blocker.ts";
import type { Counterfactual__Output } from "../../proto/generated/gpusched/v1/Counterfactual.ts";
import type { Explanation__Output } from "../../proto/generated/gpusched/v1/Explanation.ts";
import type { NodeAnswer__Output } from "../../proto/generated/gpusched/v1/NodeAnswer.ts";
import type { NodeProblem__Output } from "../../proto/generated/gpusched/v1/NodeProblem.ts";
import type { SubmitRefusal__Output } from "../../proto/generated/gpusched/v1/SubmitRefusal.ts";
import { mayWait, timestamp, word } from "./words.ts";

/** `GET /jobs/{id}/explain` */
export function toExplanation(explanation: Explanation__Output) {
  return {
    job_id: explanation.job_id,
    state: word("JOB_STATE", explanation.state),
    phase: word("JOB_PHASE", explanation.phase),
    message: explanation.message,
    queue_position: explanation.queue_position,
    estimated_start_at: timestamp(explanation.starts_at_ms),
    estimated_wait: waitOf(explanation),
    estimated_start_by: timestamp(explanation.starts_by_ms),
    ...whatIsInTheWay(explanation),
  };
}

/** `POST /jobs?dry_run=true` for a job that would be accepted. */
export function toDryRun(explanation: Explanation__Output) {
  return {
    accepted: true,
    reason: null,
    message: explanation.message,
    would_start_at: timestamp(explanation.starts_at_ms),
    estimated_wait: explanation.estimated_wait_ms === undefined ? "unknown" : waitOf(explanation),
    queue_position: explanation.queue_position,
    ...whatIsInTheWay(explanation),
  };
}

/** `POST /jobs?dry_run=true` for a job that would be refused. */
export function toRefusedDryRun({ message, detail }: SubmitRefusal__Output) {
  return {
    accepted: false,
    reason: message,
    message: `it would be refused: ${message}`,
    would_start_at: null,
    estimated_wait: "unknown",
    queue_position: 0,
    blockers: [],
    nodes: [],
    nodes_left_out: 0,
    counterfactuals: [],
    details: detail?.fields ?? [],
  };
}

function waitOf({ phase, estimated_wait_ms: waitMs }: Explanation__Output): string {
  if (waitMs !== undefined) return formatDuration(waitMs);
  return mayWait(phase) ? "unknown" : "0s";
}

function whatIsInTheWay({ blockers, nodes, nodes_left_out, counterfactuals }: Explanation__Output) {
  return {
    blockers: blockers.map(toBlocker),
    nodes: nodes.map(toNodeAnswer),
    nodes_left_out,
    counterfactuals: counterfactuals.map(toCounterfactual),
  };
}

function toBlocker(blocker: Blocker__Output) {
  return {
    kind: blocker.kind.replaceAll("-", "_"),
    message: blocker.message,
    resource: blocker.resource || null,
    limit: blocker.limit ?? null,
    used: blocker.used ?? null,
    wanted: blocker.wanted ?? null,
    missing: blocker.missing ?? null,
    until: timestamp(blocker.until_ms),
    job_ids: blocker.job_ids,
  };
}

function toNodeAnswer(node: NodeAnswer__Output) {
  return {
    node_name: node.node_name,
    answer: node.answer.replaceAll("-", "_"),
    ...toProblem(node),
    others: node.others.map(toProblem),
  };
}

function toProblem({ reason, message, resource, has, wanted, missing }: NodeProblem__Output) {
  return {
    reason: reason.replaceAll("-", "_") || null,
    message,
    resource: resource || null,
    has: has ?? null,
    wanted: wanted ?? null,
    missing: missing ?? null,
  };
}

function toCounterfactual({ sentence, change, starts_at_ms }: Counterfactual__Output) {
  const fields = change.map(({ field, number, text, flag }) => [field, number ?? text ?? flag ?? null] as const);
  return { sentence, change: Object.fromEntries(fields), starts_at: timestamp(starts_at_ms) };
}
