/** Jobs on their way out. */
import type { Allocation as AllocationMessage } from "../../../proto/generated/gpusched/v1/Allocation.ts";
import type { AllocationPhase } from "../../../proto/generated/gpusched/v1/AllocationPhase.ts";
import type { Job as JobMessage } from "../../../proto/generated/gpusched/v1/Job.ts";
import type { JobPhase as JobPhaseMessage } from "../../../proto/generated/gpusched/v1/JobPhase.ts";
import type { JobState as JobStateMessage, JobState__Output } from "../../../proto/generated/gpusched/v1/JobState.ts";
import { expectedRuntime } from "../../core/explain.ts";
import type { Allocation, AllocationEnd } from "../../core/model/allocation.ts";
import type { Job, JobPhase, JobState } from "../../core/model/job.ts";
import { stateOf, waitsForStart } from "../../core/model/job.ts";
import type { Outlook, Start } from "../../core/outlook.ts";
import type { Slices } from "../../core/slices.ts";
import { queuePosition } from "../../core/schedule/turn.ts";
import type { State } from "../../core/model/state.ts";
import { messageFor } from "../message.ts";
import { fromJobSpec, withoutSecrets } from "./job-spec.ts";

/** The states on the wire. */
export const STATES: Readonly<Record<JobState, JobStateMessage>> = {
  pending: "JOB_STATE_PENDING",
  running: "JOB_STATE_RUNNING",
  completed: "JOB_STATE_COMPLETED",
  failed: "JOB_STATE_FAILED",
  preempted: "JOB_STATE_PREEMPTED",
  cancelled: "JOB_STATE_CANCELLED",
};

/** The phases on the wire. */
export const PHASES: Readonly<Record<JobPhase, JobPhaseMessage>> = {
  queued: "JOB_PHASE_QUEUED",
  held: "JOB_PHASE_HELD",
  starting: "JOB_PHASE_STARTING",
  running: "JOB_PHASE_RUNNING",
  stopping: "JOB_PHASE_STOPPING",
  finished: "JOB_PHASE_FINISHED",
};

/** The core's state for the wire's; undefined for one that is not known. */
export function toJobState(message: JobState__Output): JobState | undefined {
  return (Object.keys(STATES) as JobState[]).find((state) => STATES[state] === message);
}

/** What a list shows of a job. */
export function fromJobBriefly(job: Job): JobMessage {
  const exit = exitOf(job);
  return {
    id: job.id,
    tenant_id: job.tenantId,
    name: job.name,
    state: STATES[stateOf(job)],
    phase: PHASES[job.phase],
    priority: job.priority,
    effective_priority: job.effectivePriority,
    gpu_count: job.gpuCount,
    attempt: job.attempt,
    submitted_at_ms: job.submittedAt,
    ...(job.array ? { array: { ...job.array } } : {}),
    ...(job.startedAt === undefined ? {} : { started_at_ms: job.startedAt }),
    ...(job.phase === "finished" ? { finished_at_ms: job.finishedAt } : {}),
    ...(exit?.exitCode === undefined ? {} : { exit_code: exit.exitCode }),
    ...(exit?.signal === undefined ? {} : { signal: exit.signal }),
  };
}

/** How the job ended: as its outcome says; where it was stopped, as the first rank whose process ended and told how. */
function exitOf(job: Job): { readonly exitCode?: number; readonly signal?: number } | undefined {
  if (job.phase !== "finished") return undefined;
  if ("exitCode" in job.outcome && job.outcome.exitCode !== undefined) return job.outcome;
  return job.allocations.map(endOf).find(hasTold);
}

function hasTold(end: AllocationEnd | undefined): end is AllocationEnd & { kind: "exited" } {
  return end?.kind === "exited" && end.exitCode !== undefined;
}

function endOf({ state }: Allocation): AllocationEnd | undefined {
  return state.phase === "ended" ? state.end : undefined;
}

/** Everything about a job. `at` is the loop's time; when a waiting job starts is taken from the outlook. */
export function* fromJob(state: State, job: Job, at: number, outlook: () => Outlook): Slices<JobMessage> {
  const message = withoutWait(state, job, at);
  if (!waitsForStart(job)) return { ...message, estimated_wait_ms: 0 };
  const start = yield* outlook().startOf(job.id);
  if (start.at === undefined) return { ...message, message: withTooFar(message.message, start) };
  return { ...message, estimated_wait_ms: start.at - at };
}

/** The sentence on a waiting job, with why it is not told when the job will start if only that is missing. */
export function withTooFar(message: string, { isTooFar }: Start): string {
  return isTooFar ? `${message}; too much happens before it starts to tell when that will be` : message;
}

function withoutWait(state: State, job: Job, at: number): JobMessage & { readonly message: string } {
  return {
    ...fromJobBriefly(job),
    message: messageFor(state, job, at),
    queue_position: job.phase === "queued" ? queuePosition(state, job, at) : 0,
    ...(job.eligibleAt === undefined ? {} : { eligible_at_ms: job.eligibleAt }),
    ...(job.checkpointAt === undefined ? {} : { checkpoint_at_ms: job.checkpointAt }),
    predicted_runtime: expectedRuntime(state, job),
    allocations: job.allocations.map((allocation) => fromAllocation(state, job, allocation)),
    history: job.history.map(({ at: at_ms, kind, message }) => ({ at_ms, kind, message })),
    spec: fromJobSpec(withoutSecrets(state.spec(job.id))),
  };
}

function fromAllocation(state: State, job: Job, allocation: Allocation): AllocationMessage {
  const end = endOf(allocation);
  return {
    rank: allocation.rank,
    node_name: allocation.node,
    gpu_ids: [...allocation.devices],
    cpu_cores: allocation.cpuCores,
    memory_mb: allocation.memoryMb,
    phase: allocationPhase(job, allocation),
    ...(allocation.milli === undefined
      ? {}
      : { gpu_milli: allocation.milli, gpu_sharing: sharingOf(state, allocation) }),
    message: end?.message ?? "",
    ...(end?.kind === "exited" && end.exitCode !== undefined ? { exit_code: end.exitCode } : {}),
    ...(end?.kind === "exited" && end.signal !== undefined ? { signal: end.signal } : {}),
  };
}

/** What holds the job to its part of the device, by what its node told last. */
function sharingOf(state: State, { node }: Allocation): string {
  return state.nodes.get(node)?.record.inventory.gpuSharing ?? "accounted";
}

function allocationPhase(job: Job, allocation: Allocation): AllocationPhase {
  if (allocation.state.phase === "ended") return "ALLOCATION_PHASE_ENDED";
  if (job.phase === "stopping") return "ALLOCATION_PHASE_STOPPING";
  return allocation.state.phase === "running" ? "ALLOCATION_PHASE_RUNNING" : "ALLOCATION_PHASE_STARTING";
}
