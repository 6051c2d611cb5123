/** What agents say and what they are told, between the wire and the core. */
import { RequestError } from "../../../base/errors.ts";
import { type AllocationKey, asDeviceId, asJobId, asNodeName } from "../../../base/ids.ts";
import { NODE_NAME } from "../../../contract/node.ts";
import type { AllocationKey as KeyMessage } from "../../../proto/generated/gpusched/v1/AllocationKey.ts";
import type { AllocationReport__Output } from "../../../proto/generated/gpusched/v1/AllocationReport.ts";
import type { Command } from "../../../proto/generated/gpusched/v1/Command.ts";
import type { CheckpointReport__Output } from "../../../proto/generated/gpusched/v1/CheckpointReport.ts";
import type { ExecutorHealth__Output } from "../../../proto/generated/gpusched/v1/ExecutorHealth.ts";
import type { Heartbeat__Output } from "../../../proto/generated/gpusched/v1/Heartbeat.ts";
import type { Hello__Output } from "../../../proto/generated/gpusched/v1/Hello.ts";
import type { Membership as MembershipMessage } from "../../../proto/generated/gpusched/v1/Membership.ts";
import type { Launch } from "../../../proto/generated/gpusched/v1/Launch.ts";
import type { AllocationReport, Input, Unstamped } from "../../core/input.ts";
import type { AllocationEnd } from "../../core/model/allocation.ts";
import { graceMsOf } from "../../core/model/job.ts";
import type { Membership } from "../../core/model/membership.ts";
import type { Effect } from "../../core/output.ts";
import { rendezvous } from "../rendezvous.ts";
import { toConditions } from "./condition.ts";
import { toReading } from "./device.ts";
import { fromVolumes } from "./job-spec.ts";
import { toInventory } from "./node.ts";

const MAX_ALLOCATIONS = 10_000;
const MAX_READINGS = 1_024;
/** A longer sentence of an agent's is cut: it is stored with the job. */
const MAX_SENTENCE_CHARACTERS = 2_000;

/** @throws RequestError `invalid` saying what is wrong with the Hello */
export function toHello(message: Hello__Output, session: number): Unstamped<Input & { kind: "node-hello" }> {
  const refuse = (field: string, problem: string) => new RequestError("invalid", `hello: ${field} ${problem}`);
  if (!NODE_NAME.test(message.node_name)) throw refuse("node_name", "must be a host name");
  if (!message.agent_id) throw refuse("agent_id", "is required");
  if (!message.boot_id) throw refuse("boot_id", "is required");
  if (!message.inventory) throw refuse("inventory", "is required");
  if (message.allocations.length > MAX_ALLOCATIONS) throw refuse("allocations", `has over ${MAX_ALLOCATIONS} items`);
  return {
    kind: "node-hello",
    session,
    node: asNodeName(message.node_name),
    agentId: message.agent_id,
    bootId: message.boot_id,
    ...(message.number > 0 ? { number: message.number } : {}),
    ...(message.membership_version > 0 ? { membership: message.membership_version } : {}),
    inventory: toInventory(message.inventory),
    executor: toHealth(message.executor),
    ...(message.conditions.length > 0 ? { conditions: toConditions(message.conditions) } : {}),
    allocations: message.allocations.map(toReport),
  };
}

/** @throws RequestError `invalid` saying what is wrong with the Heartbeat */
export function toHeartbeat(
  message: Heartbeat__Output,
  node: string,
  session: number,
): Unstamped<Input & { kind: "node-heartbeat" }> {
  if (message.telemetry.length > MAX_READINGS) {
    throw new RequestError("invalid", `heartbeat: telemetry has over ${MAX_READINGS} items`);
  }
  return {
    kind: "node-heartbeat",
    session,
    node: asNodeName(node),
    sequence: message.sequence,
    ...(message.echo_ms > 0 ? { echo: message.echo_ms } : {}),
    ...(message.membership_version > 0 ? { membership: message.membership_version } : {}),
    ...(message.reaches_peers === undefined ? {} : { reachesPeers: message.reaches_peers }),
    executor: toHealth(message.executor),
    telemetry: message.telemetry.map(toReading),
    ...(message.conditions.length > 0 ? { conditions: toConditions(message.conditions) } : {}),
    ...(message.inventory ? { inventory: toInventory(message.inventory) } : {}),
  };
}

function toHealth(message: ExecutorHealth__Output | null): { ready: boolean; message: string } {
  return { ready: message?.ready ?? true, message: sentence(message?.message ?? "") };
}

function sentence(text: string): string {
  return text.length > MAX_SENTENCE_CHARACTERS ? `${text.slice(0, MAX_SENTENCE_CHARACTERS)}…` : text;
}

/** @throws RequestError `invalid` when the key is not one */
export function toReport(message: AllocationReport__Output): AllocationReport {
  const key = toKey(message.key);
  const started = message.started_at_ms === undefined ? {} : { startedAt: message.started_at_ms };
  const ended = message.ended_at_ms === undefined ? {} : { endedAt: message.ended_at_ms };
  const devices = message.gpu_ids;
  switch (message.phase) {
    case "ALLOCATION_PHASE_ENDED":
      return {
        key,
        devices,
        state: { phase: "ended", ...started, ...ended, end: toEnd(message) },
      };
    case "ALLOCATION_PHASE_STOPPING":
      // It may be stopped before it has started.
      if (message.started_at_ms === undefined) break;
      return { key, devices, state: { phase: "running", startedAt: message.started_at_ms } };
    case "ALLOCATION_PHASE_RUNNING":
      return { key, devices, state: { phase: "running", startedAt: message.started_at_ms ?? 0 } };
    default:
  }
  return { key, devices, state: { phase: "starting", message: sentence(message.message) } };
}

/** @throws RequestError `invalid` when the key is not one */
export function toCheckpoint(
  message: CheckpointReport__Output,
  node: string,
): Unstamped<Input & { kind: "checkpoint" }> {
  const key = toKey(message.key);
  return { kind: "checkpoint", jobId: key.jobId, seen: { key, node: asNodeName(node), at: message.at_ms } };
}

function toKey(message: { job_id: string; attempt: number; rank: number } | null): AllocationKey {
  if (!message || !/^job-\d{1,19}$/.test(message.job_id)) {
    throw new RequestError("invalid", "report: key.job_id must be a job id");
  }
  if (message.attempt < 1) throw new RequestError("invalid", "report: key.attempt must be at least 1");
  if (message.rank < 0) throw new RequestError("invalid", "report: key.rank must not be negative");
  return { jobId: asJobId(message.job_id), attempt: message.attempt, rank: message.rank };
}

function toEnd(report: AllocationReport__Output): AllocationEnd {
  const message = sentence(report.message);
  switch (report.cause) {
    case "END_CAUSE_BAD_REQUEST":
      return { kind: "bad-request", message };
    case "END_CAUSE_FENCED":
      return { kind: "fenced", message };
    case "END_CAUSE_EXITED":
      return {
        kind: "exited",
        ...(report.exit_code === undefined ? {} : { exitCode: report.exit_code }),
        ...(report.signal === undefined ? {} : { signal: report.signal }),
        outOfMemory: report.out_of_memory,
        message,
      };
    default:
      return {
        kind: "node",
        message: message || "the node ended it without a reason",
        ...(report.failed_gpu_ids.length > 0 ? { failedDevices: report.failed_gpu_ids.map(asDeviceId) } : {}),
      };
  }
}

export function fromMembership({ version, timing, members }: Membership): MembershipMessage {
  return {
    version,
    members: members.map(({ name, address }) => ({ node_name: name, address })),
    hearing_ms: timing.hearingMs,
    vouch_ms: timing.vouchMs,
    stop_ms: timing.stopMs,
  };
}

/** The command that an effect stands for; undefined for effects that are no commands. */
export function fromEffect(effect: Effect, term: number): Command | undefined {
  switch (effect.kind) {
    case "launch":
      return { term, launch: fromLaunch(effect) };
    case "stop":
      return { term, stop: { key: fromKey(effect.key), grace_ms: effect.graceMs, reason: effect.reason } };
    case "release":
      return { term, release: { key: fromKey(effect.key) } };
    default:
      return undefined;
  }
}

export function fromKey(key: AllocationKey): KeyMessage {
  return { job_id: key.jobId, attempt: key.attempt, rank: key.rank };
}

function fromLaunch(effect: Effect & { kind: "launch" }): Launch {
  const { job, spec, allocation } = effect;
  return {
    key: { job_id: job.id, attempt: job.attempt, rank: allocation.rank },
    tenant_id: job.tenantId,
    job_name: job.name,
    gpu_ids: [...allocation.devices],
    cpu_cores: allocation.cpuCores,
    memory_mb: allocation.memoryMb,
    ...(spec.image === undefined ? {} : { image: spec.image }),
    command: [...(spec.command ?? [])],
    args: [...(spec.args ?? [])],
    ...(spec.script === undefined ? {} : { script: spec.script }),
    environment: { ...spec.environment, ...rendezvous(effect) },
    labels: { ...spec.labels },
    grace_ms: graceMsOf(spec),
    requeue_on_node_lost: allocation.movesWhenLost,
    ...(allocation.milli === undefined ? {} : { gpu_milli: allocation.milli, gpu_memory_mb: allocation.gpuMemoryMb }),
    ...(spec.shmSizeMb === undefined ? {} : { shm_size_mb: spec.shmSizeMb }),
    ...(job.array ? { array: { ...job.array } } : {}),
    volumes: fromVolumes(spec.volumes),
  };
}
