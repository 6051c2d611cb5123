import { type AllocationKey, allocationName, asDeviceId, asJobId, parseAllocationName } from "../../base/ids.ts";
import type { AgentMessage } from "../../proto/generated/gpusched/v1/AgentMessage.ts";
import type { AllocationReport } from "../../proto/generated/gpusched/v1/AllocationReport.ts";
import type { AllocationKey__Output } from "../../proto/generated/gpusched/v1/AllocationKey.ts";
import type { Command__Output } from "../../proto/generated/gpusched/v1/Command.ts";
import type { Launch__Output } from "../../proto/generated/gpusched/v1/Launch.ts";
import type { Membership__Output } from "../../proto/generated/gpusched/v1/Membership.ts";
import type { ReadLog__Output } from "../../proto/generated/gpusched/v1/ReadLog.ts";
import type { Command, Membership, Report, ReportedState } from "../core/input.ts";
import { jobEnvironment } from "../core/job-environment.ts";
import type { AllocationEnd, LaunchSpec, LogStreamName } from "../executor/executor.ts";
import { launchFault, type NodeGrant } from "./launch-fault.ts";

/** What a launch is completed with. */
export interface LaunchContext {
  readonly nodeName: string;
  readonly executor: "docker" | "process";
  /** What the node has to give now. */
  readonly grant: () => NodeGrant;
  /** Where NVIDIA's daemon for sharing devices answers now; undefined when it does not run. */
  readonly mpsDirectory: () => string | undefined;
}

/** The core's command; undefined for one that this version does not know or that names no allocation. */
export function commandFromProto(proto: Command__Output, context: LaunchContext): Command | undefined {
  if (proto.launch) return launchFromProto(proto.launch, context);
  const key = keyFromProto(proto.stop?.key ?? proto.release?.key);
  if (!key) return undefined;
  if (proto.stop) return { kind: "stop", key, graceMs: Math.max(0, proto.stop.grace_ms), reason: proto.stop.reason };
  return proto.release ? { kind: "release", key } : undefined;
}

function launchFromProto(launch: Launch__Output, context: LaunchContext): Command | undefined {
  const key = keyFromProto(launch.key);
  if (!key) return undefined;
  const deviceIds = launch.gpu_ids.map(asDeviceId);
  const { nodeName, executor } = context;
  const { gpu_milli: gpuMilli, gpu_memory_mb: memoryMb } = launch;
  const grant = context.grant();
  const mpsDirectory = grant.allowsSharing ? context.mpsDirectory() : undefined;
  const share = gpuMilli === undefined ? undefined : { milli: gpuMilli, memoryMb, mpsDirectory };
  const facts = { key, tenantId: launch.tenant_id, nodeName, executor, deviceIds, share };
  const spec: LaunchSpec = {
    key,
    tenantId: launch.tenant_id,
    jobName: launch.job_name,
    deviceIds,
    gpuMilli,
    mpsDirectory: share?.mpsDirectory,
    cpuCores: launch.cpu_cores,
    memoryMb: launch.memory_mb,
    shmSizeMb: launch.shm_size_mb,
    image: launch.image,
    command: launch.command,
    args: launch.args,
    script: launch.script,
    environment: jobEnvironment(launch.environment, { ...facts, array: launch.array ?? undefined }),
    labels: launch.labels,
    volumes: launch.volumes.map(({ source, target, read_only = true }) => ({ source, target, readOnly: read_only })),
    fault: launchFault(launch, grant),
    graceMs: Math.max(0, launch.grace_ms),
    requeueOnNodeLost: launch.requeue_on_node_lost,
  };
  return { kind: "launch", spec };
}

export function membershipFromProto(proto: Membership__Output): Membership {
  return {
    version: proto.version,
    members: proto.members.map(({ node_name: name, address }) => ({ name, address })),
    hearingMs: proto.hearing_ms,
    vouchMs: proto.vouch_ms,
    stopMs: proto.stop_ms,
  };
}

/** The key, undefined unless it is one that may name containers and directories. */
export function keyFromProto(proto: AllocationKey__Output | null | undefined): AllocationKey | undefined {
  if (!proto) return undefined;
  return parseAllocationName(
    allocationName({ jobId: asJobId(proto.job_id), attempt: proto.attempt, rank: proto.rank }),
  );
}

export function reportToProto(report: Report): AllocationReport {
  const { key, deviceIds } = report;
  return {
    key: { job_id: key.jobId, attempt: key.attempt, rank: key.rank },
    gpu_ids: [...deviceIds],
    ...stateToProto(report.state, report.stopping),
  };
}

export function checkpointToProto({ jobId, attempt, rank }: AllocationKey, atMs: number): AgentMessage {
  return { checkpoint: { key: { job_id: jobId, attempt, rank }, at_ms: Math.round(atMs) } };
}

function stateToProto(state: ReportedState, stopping: boolean): AllocationReport {
  switch (state.phase) {
    case "starting":
      return { phase: stopping ? "ALLOCATION_PHASE_STOPPING" : "ALLOCATION_PHASE_STARTING", message: state.message };
    case "running":
      return {
        phase: stopping ? "ALLOCATION_PHASE_STOPPING" : "ALLOCATION_PHASE_RUNNING",
        started_at_ms: Math.round(state.startedAtMs),
      };
    case "ended":
      return {
        phase: "ALLOCATION_PHASE_ENDED",
        ...(state.startedAtMs === undefined ? {} : { started_at_ms: Math.round(state.startedAtMs) }),
        ...(state.endedAtMs === undefined ? {} : { ended_at_ms: Math.round(state.endedAtMs) }),
        ...endToProto(state.end),
      };
  }
}

function endToProto(end: AllocationEnd): AllocationReport {
  const { message } = end;
  switch (end.kind) {
    case "exited":
      return {
        cause: "END_CAUSE_EXITED",
        message,
        out_of_memory: end.outOfMemory,
        ...(end.exitCode === undefined ? {} : { exit_code: end.exitCode }),
        ...(end.signal === undefined ? {} : { signal: end.signal }),
      };
    case "bad-request":
      return { cause: "END_CAUSE_BAD_REQUEST", message };
    case "node":
      return { cause: "END_CAUSE_NODE", message, failed_gpu_ids: [...(end.failedDeviceIds ?? [])] };
    case "fenced":
      return { cause: "END_CAUSE_FENCED", message };
  }
}

/** Which part of the output is asked for; undefined is both streams. */
export function logStreamFromProto(stream: ReadLog__Output["stream"]): LogStreamName | undefined {
  if (stream === "LOG_STREAM_STDOUT") return "stdout";
  return stream === "LOG_STREAM_STDERR" ? "stderr" : undefined;
}
