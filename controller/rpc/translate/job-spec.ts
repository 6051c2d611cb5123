/** A job's spec between the wire, the contract's request and the core. */
import { asJobId, asTenantId } from "../../../base/ids.ts";
import { formatTimestamp } from "../../../base/time.ts";
import { type JobRequest, jobRequestSchema } from "../../../contract/job.ts";
import { parseOrRefuse } from "../../../contract/parse.ts";
import type { JobSpec as JobSpecMessage, JobSpec__Output } from "../../../proto/generated/gpusched/v1/JobSpec.ts";
import type { SubmitJobRequest__Output } from "../../../proto/generated/gpusched/v1/SubmitJobRequest.ts";
import type { JobSpec, Volume } from "../../core/model/job.ts";

/** What a submission asks for. */
export interface Submission {
  readonly spec: JobSpec;
  /** Of an array. */
  readonly count?: number;
}

/**
 * A submission, checked by the contract's own schema.
 *
 * @throws RequestError `invalid` naming the field
 */
export function toSubmission({ spec, array_count }: SubmitJobRequest__Output): Submission {
  const array = array_count === undefined ? {} : { array: { count: array_count } };
  const request = parseOrRefuse(jobRequestSchema, { ...toRequestFields(spec), ...array }, "Invalid request");
  return { spec: fromRequest(request), ...(request.array ? { count: request.array.count } : {}) };
}

/** The message as the contract's request: what is not set is absent. */
function toRequestFields(message: JobSpec__Output | null): Record<string, unknown> {
  const { not_before_ms: notBeforeMs, volumes: given, ...rest } = message ?? {};
  const volumes = given?.map(({ source, target, read_only }) => dropAbsent({ source, target, read_only }));
  const others = { ...rest, volumes };
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(others)) {
    if (name.startsWith("_") || value === undefined || isEmptyCollection(value)) continue;
    fields[name] = value;
  }
  if (notBeforeMs !== undefined)
    fields["not_before"] = isDate(notBeforeMs) ? formatTimestamp(notBeforeMs) : notBeforeMs;
  return fields;
}

function isDate(atMs: number): boolean {
  return !Number.isNaN(new Date(atMs).getTime());
}

/** protobuf does not tell an empty list or map from an absent one; the contract means the same by both. */
function isEmptyCollection(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function fromRequest(request: JobRequest): JobSpec {
  return dropAbsent({
    tenantId: asTenantId(request.tenant_id),
    name: request.name,
    priority: request.priority,
    gpuCount: request.gpu_count,
    gpuMemoryMb: request.gpu_memory_mb,
    gpuModel: request.gpu_model,
    cpuCores: request.cpu_cores,
    memoryMb: request.memory_mb,
    shmSizeMb: request.shm_size_mb,
    image: request.image,
    command: request.command,
    args: request.args,
    script: request.script,
    environment: request.environment,
    gang: request.gang_scheduling,
    gpusPerNode: request.gpus_per_node,
    maxRuntimeMinutes: request.max_runtime_minutes,
    maxRetries: request.max_retries,
    graceSeconds: request.preemption_grace_seconds,
    onNodeLost: request.on_node_lost,
    onPreempt: request.on_preempt,
    labels: request.labels,
    nodeSelector: request.node_selector,
    gpuMilli: request.gpu_milli,
    dependsOn: request.depends_on?.map(asJobId),
    notBefore: request.not_before,
    volumes: request.volumes?.map(toVolume),
  });
}

function toVolume({ source, target, read_only = true }: NonNullable<JobRequest["volumes"]>[number]): Volume {
  return { source, target, readOnly: read_only };
}

/** Volumes as they go out, to users and to agents. */
export function fromVolumes(volumes: readonly Volume[] = []) {
  return volumes.map(({ source, target, readOnly }) => ({ source, target, read_only: readOnly }));
}

const SECRET_NAME = /TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY/i;
const MASK = "***";

/** The spec as it may be shown: variables that are named like secrets have a mask for their value. */
export function withoutSecrets(spec: JobSpec): JobSpec {
  if (!spec.environment) return spec;
  const shown = Object.entries(spec.environment).map(([name, value]) => [name, SECRET_NAME.test(name) ? MASK : value]);
  return { ...spec, environment: Object.fromEntries(shown) as Record<string, string> };
}

/** The spec as it goes out: what was not asked stays absent. */
export function fromJobSpec(spec: JobSpec): JobSpecMessage {
  return dropAbsent({
    tenant_id: spec.tenantId,
    name: spec.name,
    priority: spec.priority,
    gpu_count: spec.gpuCount,
    gpu_memory_mb: spec.gpuMemoryMb,
    gpu_model: spec.gpuModel,
    cpu_cores: spec.cpuCores,
    memory_mb: spec.memoryMb,
    shm_size_mb: spec.shmSizeMb,
    image: spec.image,
    command: spec.command ? [...spec.command] : undefined,
    args: spec.args ? [...spec.args] : undefined,
    script: spec.script,
    environment: spec.environment,
    gang_scheduling: spec.gang,
    gpus_per_node: spec.gpusPerNode,
    max_runtime_minutes: spec.maxRuntimeMinutes,
    max_retries: spec.maxRetries,
    preemption_grace_seconds: spec.graceSeconds,
    on_node_lost: spec.onNodeLost,
    on_preempt: spec.onPreempt,
    labels: spec.labels,
    node_selector: spec.nodeSelector,
    gpu_milli: spec.gpuMilli,
    depends_on: spec.dependsOn ? [...spec.dependsOn] : undefined,
    not_before_ms: spec.notBefore,
    volumes: spec.volumes && fromVolumes(spec.volumes),
  });
}

/** The object without the properties that are undefined: rows and messages stay small. */
function dropAbsent<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
