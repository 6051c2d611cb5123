/** Explanations and dry runs on their way out: the core's data, and each of it in a sentence as well. */
import type { Blocker as BlockerMessage } from "../../../proto/generated/gpusched/v1/Blocker.ts";
import type { DryRunJobResponse } from "../../../proto/generated/gpusched/v1/DryRunJobResponse.ts";
import type { Explanation as ExplanationMessage } from "../../../proto/generated/gpusched/v1/Explanation.ts";
import type { NodeAnswer } from "../../../proto/generated/gpusched/v1/NodeAnswer.ts";
import type { Counterfactuals } from "../../core/counterfactual.ts";
import type { DryRun } from "../../core/dry-run.ts";
import { type Blocker, type Explanation, explain, MAX_NODES_TOLD, type NodeVerdict } from "../../core/explain.ts";
import type { LateStarts } from "../../core/late-start.ts";
import { type Demand, demandOf, type Job, type JobSpec, stateOf, waitsForStart } from "../../core/model/job.ts";
import type { State } from "../../core/model/state.ts";
import type { Outlook } from "../../core/outlook.ts";
import type { QuotaBlock } from "../../core/quota.ts";
import type { NodeReason } from "../../core/schedule/reason.ts";
import type { Slices } from "../../core/slices.ts";
import { queuePosition } from "../../core/schedule/turn.ts";
import { describeReason, describeVerdict } from "../describe-node.ts";
import {
  describeBudget,
  describeClaimed,
  describePreempting,
  describeQuota,
  describeReserved,
  describeResources,
  describeWait,
} from "../describe-wait.ts";
import { describeHold, messageFor } from "../message.ts";
import { fromCounterfactual } from "./counterfactual.ts";
import { PHASES, STATES, withTooFar } from "./job.ts";
import { fromRefusal } from "./submit.ts";

/** Why the job is not running, as far as it waits; of any other job, where it is. */
export function* fromExplained(
  state: State,
  job: Job,
  lateStarts: LateStarts,
  outlook: Outlook,
): Slices<ExplanationMessage> {
  const { at } = outlook;
  const message = messageFor(state, job, at);
  const queue_position = job.phase === "queued" ? queuePosition(state, job, at) : 0;
  const demand = demandOf(state.spec(job.id));
  const explanation = yield* explain(state, job, outlook);
  const { start, counterfactuals } = explanation;
  const startsBy = yield* lateStarts.startsBy(job, outlook);
  const waits = waitsForStart(job);
  const startsAt = waits ? start.at : job.startedAt;
  const waitMs = waits ? start.at && start.at - at : 0;
  return {
    job_id: job.id,
    ...whereItIs(job),
    message: withCutShort(withTooFar(message, start), counterfactuals),
    queue_position,
    ...whatIsInTheWay(explanation, demand, at),
    ...(startsAt === undefined ? {} : { starts_at_ms: startsAt }),
    ...(waitMs === undefined ? {} : { estimated_wait_ms: waitMs }),
    ...(startsBy === undefined ? {} : { starts_by_ms: startsBy }),
  };
}

function withCutShort(message: string, { isCutShort }: Counterfactuals): string {
  return isCutShort ? `${message}; too much happens before it starts to try every change` : message;
}

/** What would become of the spec. */
export function fromDryRun(run: DryRun, spec: JobSpec, at: number): DryRunJobResponse {
  if (run.kind === "refused") return { refusal: fromRefusal(run.refusal) };
  const { job, explanation, startsAt } = run;
  const demand = demandOf(spec);
  return {
    explanation: {
      ...whereItIs(job),
      message: whatItWouldDo(job, explanation, demand),
      queue_position: run.queuePosition,
      ...(explanation ? whatIsInTheWay(explanation, demand, at) : {}),
      ...(startsAt === undefined ? {} : { starts_at_ms: startsAt, estimated_wait_ms: startsAt - at }),
    },
  };
}

function whereItIs(job: Job): Pick<ExplanationMessage, "state" | "phase"> {
  return { state: STATES[stateOf(job)], phase: PHASES[job.phase] };
}

function whatItWouldDo(job: Job, explanation: Explanation | undefined, demand: Demand): string {
  if (job.phase === "finished") return job.outcome.message;
  if (job.phase === "held") return describeHold(job.hold);
  if (!explanation) return "too many jobs are waiting to tell when it would start";
  const { reason, start, counterfactuals } = explanation;
  if (!reason) return "it would start at once";
  return withCutShort(withTooFar(describeWait(reason, demand), start), counterfactuals);
}

function whatIsInTheWay({ blockers, nodes, counterfactuals }: Explanation, demand: Demand, at: number) {
  return {
    blockers: blockers.map((blocker) => fromBlocker(blocker, nodes, demand)),
    nodes: nodes.slice(0, MAX_NODES_TOLD).map((it) => fromVerdict(it, demand)),
    nodes_left_out: Math.max(0, nodes.length - MAX_NODES_TOLD),
    counterfactuals: counterfactuals.found.map((it) => fromCounterfactual(it, at)),
  };
}

function fromBlocker(blocker: Blocker, nodes: readonly NodeVerdict[], demand: Demand): BlockerMessage {
  switch (blocker.kind) {
    case "hold":
      return {
        kind: blocker.hold.kind,
        message: describeHold(blocker.hold),
        ...("until" in blocker.hold ? { until_ms: blocker.hold.until } : { job_ids: [...blocker.hold.on] }),
      };
    case "no-nodes":
      return { kind: "no-nodes", message: "no node has joined yet" };
    case "quota":
      return { kind: "quota", message: describeQuota(blocker.block), ...fromQuota(blocker.block) };
    case "budget": {
      const { block } = blocker;
      const used = block.spentHours + block.committedHours + block.claimedHours;
      const amounts = amountsOf("gpu_hours", { limit: block.budgetHours, used, wanted: block.wantedHours });
      const until = block.until === undefined ? {} : { until_ms: block.until };
      return { kind: "budget", message: describeBudget(block), ...amounts, ...until };
    }
    case "reserved":
      return {
        kind: "reserved",
        message: describeReserved(blocker),
        job_ids: [...blocker.for],
        ...(Number.isFinite(blocker.at) ? { until_ms: blocker.at } : {}),
      };
    case "claimed":
      return { kind: "claimed", message: describeClaimed(blocker.for), job_ids: [...blocker.for] };
    case "preempting": {
      const { leaving, until } = blocker;
      return { kind: "preempting", message: describePreempting(blocker), job_ids: [...leaving], until_ms: until };
    }
    case "resources":
      return fromResources(blocker, nodes, demand);
  }
}

function fromResources(
  blocker: Blocker & { kind: "resources" },
  nodes: readonly NodeVerdict[],
  demand: Demand,
): BlockerMessage {
  const { gpusWanted, gpusFree, gpusSuitable } = blocker;
  const message = describeResources({ ...blocker, nodes }, demand);
  if (gpusWanted <= gpusFree) return { kind: "resources", message };
  return {
    kind: "resources",
    message,
    resource: "gpus",
    limit: gpusSuitable,
    used: gpusSuitable - gpusFree,
    wanted: gpusWanted,
    missing: gpusWanted - gpusFree,
  };
}

const RESOURCES: Readonly<Record<QuotaBlock["resource"], string>> = {
  gpus: "gpus",
  gpuMemoryMb: "gpu_memory_mb",
  cpuCores: "cpu_cores",
  memoryMb: "memory_mb",
  jobs: "jobs",
};

function fromQuota({ resource, limit, used, claimed, wanted }: QuotaBlock): Partial<BlockerMessage> {
  return amountsOf(RESOURCES[resource], { limit, used: used + claimed, wanted });
}

function amountsOf(resource: string, { limit, used, wanted }: { limit: number; used: number; wanted: number }) {
  return { resource, limit, used: exact(used), wanted, missing: exact(used + wanted - limit) };
}

/** Without what adding fractions leaves behind. */
function exact(amount: number): number {
  return Math.round(amount * 1e9) / 1e9;
}

function fromVerdict({ node, verdict, others = [] }: NodeVerdict, demand: Demand): NodeAnswer {
  const answer = { node_name: node, answer: verdict.answer, message: describeVerdict(verdict, demand) };
  if (verdict.answer === "fits") return answer;
  return { ...answer, ...fromReason(verdict.reason, demand), others: others.map((other) => fromReason(other, demand)) };
}

function fromReason(reason: NodeReason, demand: Demand) {
  return { reason: reason.kind, message: describeReason(reason, demand), ...whatItLacks(reason) };
}

function whatItLacks(reason: NodeReason): Partial<NodeAnswer> {
  const lacks = (resource: string, has: number, wanted: number) => ({ resource, has, wanted, missing: wanted - has });
  switch (reason.kind) {
    case "too-few-gpus":
      return lacks("gpus", reason.has, reason.wants);
    case "gpus-busy":
      return lacks("gpus", reason.free, reason.wants);
    case "too-few-cores":
      return lacks("cpu_cores", reason.has, reason.wants);
    case "cores-busy":
      return lacks("cpu_cores", reason.free, reason.wants);
    case "too-little-memory":
      return lacks("memory_mb", reason.hasMb, reason.wantsMb);
    case "memory-busy":
      return lacks("memory_mb", reason.freeMb, reason.wantsMb);
    case "gpu-memory-quota":
      return lacks("gpu_memory_mb", reason.leftMb, reason.wantsMb);
    default:
      return {};
  }
}
