/** REST in, proto out, and back: the only place that knows both. Fields of answers stand in the documented order. */
import { formatDuration, formatTimestamp } from "../base/time.ts";
import type { JobRequest } from "../contract/job.ts";
import type { ListJobsQuery, LogsQuery } from "../contract/query.ts";
import type { TenantPatch, TenantRequest } from "../contract/tenant.ts";
import type { Allocation__Output } from "../proto/generated/gpusched/v1/Allocation.ts";
import type { ClusterStatus__Output } from "../proto/generated/gpusched/v1/ClusterStatus.ts";
import type { Device__Output } from "../proto/generated/gpusched/v1/Device.ts";
import type { Job__Output } from "../proto/generated/gpusched/v1/Job.ts";
import type { JobSpec, JobSpec__Output } from "../proto/generated/gpusched/v1/JobSpec.ts";
import type { JobState } from "../proto/generated/gpusched/v1/JobState.ts";
import type { ListJobsRequest } from "../proto/generated/gpusched/v1/ListJobsRequest.ts";
import type { Node__Output } from "../proto/generated/gpusched/v1/Node.ts";
import type { PriorityTier } from "../proto/generated/gpusched/v1/PriorityTier.ts";
import type { StreamLogsRequest } from "../proto/generated/gpusched/v1/StreamLogsRequest.ts";
import type { Tenant__Output } from "../proto/generated/gpusched/v1/Tenant.ts";
import type { TenantSpec } from "../proto/generated/gpusched/v1/TenantSpec.ts";
import type { UpdateTenantRequest } from "../proto/generated/gpusched/v1/UpdateTenantRequest.ts";

const STATE_TO_PROTO = {
  pending: "JOB_STATE_PENDING",
  running: "JOB_STATE_RUNNING",
  completed: "JOB_STATE_COMPLETED",
  failed: "JOB_STATE_FAILED",
  preempted: "JOB_STATE_PREEMPTED",
  cancelled: "JOB_STATE_CANCELLED",
} as const satisfies Record<string, JobState>;

const TIER_TO_PROTO = {
  low: "PRIORITY_TIER_LOW",
  medium: "PRIORITY_TIER_MEDIUM",
  high: "PRIORITY_TIER_HIGH",
  critical: "PRIORITY_TIER_CRITICAL",
} as const satisfies Record<string, PriorityTier>;

const STREAM_TO_PROTO = { stdout: "LOG_STREAM_STDOUT", stderr: "LOG_STREAM_STDERR" } as const;

/** `JOB_STATE_RUNNING` → `running`; null for what this version cannot know. */
function word(prefix: string, value: string | undefined): string | null {
  if (value === undefined || value === `${prefix}_UNSPECIFIED`) return null;
  return value.slice(prefix.length + 1).toLowerCase();
}

function timestamp(atMs: number | undefined): string | null {
  return atMs === undefined ? null : formatTimestamp(atMs);
}

// Jobs

export function toJobSpec(request: JobRequest): JobSpec {
  return request;
}

export function toListJobsRequest(query: ListJobsQuery): ListJobsRequest {
  const pairs = (query.label ?? []).map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return {
    tenant_id: query.tenant_id ?? "",
    states: (query.state ?? []).map((state) => STATE_TO_PROTO[state]),
    name: query.name ?? "",
    node_name: query.node ?? "",
    labels: Object.fromEntries(pairs),
    limit: query.limit,
    offset: query.offset,
  };
}

export function toStreamLogsRequest(jobId: string, query: LogsQuery): StreamLogsRequest {
  return {
    job_id: jobId,
    follow: query.follow,
    rank: query.rank,
    stream: query.stream ? STREAM_TO_PROTO[query.stream] : "LOG_STREAM_UNSPECIFIED",
    ...(query.tail !== undefined && { tail_lines: query.tail }),
  };
}

/** An item of `GET /jobs`: exactly the documented fields. */
export function toJobItem(job: Job__Output) {
  return {
    id: job.id,
    tenant_id: job.tenant_id,
    name: job.name,
    state: word("JOB_STATE", job.state),
    priority: job.priority,
    gpu_count: job.gpu_count,
    submitted_at: formatTimestamp(job.submitted_at_ms),
    started_at: timestamp(job.started_at_ms),
  };
}

/** `GET /jobs/{id}`: the documented fields first, then all that is known. `node_name` is the first rank's. */
export function toJobStatus(job: Job__Output) {
  const { state, ...item } = toJobItem(job);
  return {
    job_id: job.id,
    state,
    message: job.message,
    allocated_gpus: job.allocations.flatMap((allocation) => allocation.gpu_ids),
    node_name: job.allocations.find((allocation) => allocation.rank === 0)?.node_name ?? "",
    queue_position: job.queue_position,
    estimated_wait: estimatedWait(job),
    ...item,
    effective_priority: job.effective_priority,
    attempt: job.attempt,
    phase: word("JOB_PHASE", job.phase),
    exit_code: job.exit_code ?? null,
    signal: job.signal ?? null,
    finished_at: timestamp(job.finished_at_ms),
    allocations: job.allocations.map(toAllocation),
    history: job.history.map(({ at_ms, kind, message }) => ({ at: formatTimestamp(at_ms), kind, message })),
    spec: job.spec && toSpecAsSubmitted(job.spec),
  };
}

function estimatedWait(job: Job__Output): string {
  if (job.estimated_wait_ms !== undefined) return formatDuration(job.estimated_wait_ms);
  const isWaiting = job.phase === "JOB_PHASE_QUEUED" || job.phase === "JOB_PHASE_HELD";
  return isWaiting ? "unknown" : "0s";
}

function toAllocation(allocation: Allocation__Output) {
  return {
    rank: allocation.rank,
    node_name: allocation.node_name,
    gpus: allocation.gpu_ids,
    cpu_cores: allocation.cpu_cores,
    memory_mb: allocation.memory_mb,
    phase: word("ALLOCATION_PHASE", allocation.phase),
    exit_code: allocation.exit_code ?? null,
    signal: allocation.signal ?? null,
    message: allocation.message,
  };
}

/** The fields that were given, under their names in `POST /jobs`. Empty lists and maps cannot be told from missing ones. */
function toSpecAsSubmitted(spec: JobSpec__Output): Record<string, unknown> {
  const given = Object.entries(spec).filter(([name, value]) => !name.startsWith("_") && !isEmpty(value));
  return Object.fromEntries(given);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
}

// Tenants

export function toTenantSpec(request: TenantRequest): TenantSpec {
  const { priority_tier, ...rest } = request;
  return { ...rest, ...(priority_tier && { priority_tier: TIER_TO_PROTO[priority_tier] }) };
}

/** Fields that are null are cleared, the others set. */
export function toUpdateTenantRequest(tenantId: string, patch: TenantPatch): UpdateTenantRequest {
  const { active, priority_tier, ...fields } = patch;
  const given = Object.entries(fields);
  return {
    tenant_id: tenantId,
    spec: {
      ...Object.fromEntries(given.filter(([, value]) => value !== null)),
      ...(priority_tier && { priority_tier: TIER_TO_PROTO[priority_tier] }),
    },
    clear: given.filter(([, value]) => value === null).map(([name]) => name),
    ...(active !== undefined && { active }),
  };
}

/** The answer of `POST /tenants`: exactly the documented fields. A limit that is null is none. */
export function toTenantSummary(tenant: Tenant__Output) {
  return {
    id: tenant.id,
    name: tenant.spec?.name ?? "",
    max_gpus: tenant.spec?.max_gpus ?? null,
    current_gpus: tenant.usage?.gpus ?? 0,
    priority_tier: word("PRIORITY_TIER", tenant.spec?.priority_tier),
    active: tenant.active,
    created_at: formatTimestamp(tenant.created_at_ms),
  };
}

/** A tenant with everything that was set and is held now. */
export function toTenant(tenant: Tenant__Output) {
  const { spec, usage } = tenant;
  return {
    ...toTenantSummary(tenant),
    email: spec?.email ?? null,
    organization: spec?.organization ?? null,
    max_gpu_memory_mb: spec?.max_gpu_memory_mb ?? null,
    max_cpu_cores: spec?.max_cpu_cores ?? null,
    max_memory_mb: spec?.max_memory_mb ?? null,
    max_concurrent_jobs: spec?.max_concurrent_jobs ?? null,
    max_queued_jobs: spec?.max_queued_jobs ?? null,
    allow_preemption: spec?.allow_preemption ?? null,
    can_preempt_others: spec?.can_preempt_others ?? null,
    current_gpu_memory_mb: usage?.gpu_memory_mb ?? 0,
    current_cpu_cores: usage?.cpu_cores ?? 0,
    current_memory_mb: usage?.memory_mb ?? 0,
    current_jobs: usage?.running_jobs ?? 0,
    queued_jobs: usage?.queued_jobs ?? 0,
  };
}

// Nodes and the cluster

export function toNode(node: Node__Output) {
  const inventory = node.inventory;
  return {
    name: node.name,
    state: word("NODE_STATE", node.state),
    cordoned: node.cordoned,
    message: node.message,
    cpu_cores: inventory?.cpu_cores ?? 0,
    cpu_cores_used: node.cpu_cores_used,
    memory_mb: inventory?.memory_mb ?? 0,
    memory_mb_used: node.memory_mb_used,
    labels: inventory?.labels ?? {},
    executor: inventory?.executor ?? "",
    device_source: inventory?.device_source ?? "",
    device_source_reason: inventory?.device_source_reason ?? "",
    gpu_grant: inventory?.gpu_grant ?? "",
    gpu_grant_reason: inventory?.gpu_grant_reason ?? "",
    driver_version: inventory?.driver_version ?? "",
    agent_version: inventory?.agent_version ?? "",
    registered_at: formatTimestamp(node.registered_at_ms),
    last_heard_at: timestamp(node.last_heard_at_ms),
    devices: toDevices(node, inventory?.devices ?? []),
  };
}

function toDevices(node: Node__Output, devices: readonly Device__Output[]) {
  const readings = new Map(node.telemetry.map((reading) => [reading.id, reading]));
  const holders = new Map(node.holders.map((holder) => [holder.gpu_id, holder]));
  return devices.map((device) => {
    const reading = readings.get(device.id);
    const holder = holders.get(device.id);
    return {
      id: device.id,
      model: device.model,
      memory_mb: device.memory_mb,
      index: device.index,
      pci_bus_id: device.pci_bus_id,
      numa_node: device.numa_node ?? null,
      utilization_percent: reading?.utilization_percent ?? null,
      memory_used_mb: reading?.memory_used_mb ?? null,
      temperature_c: reading?.temperature_c ?? null,
      power_w: reading?.power_w ?? null,
      holder: holder ? { job_id: holder.job_id, attempt: holder.attempt } : null,
    };
  });
}

/** The documented fields, and who leads. */
export function toClusterStatus(status: ClusterStatus__Output) {
  return {
    total_gpus: status.total_gpus,
    available_gpus: status.available_gpus,
    total_nodes: status.total_nodes,
    online_nodes: status.online_nodes,
    total_jobs: status.total_jobs,
    pending_jobs: status.pending_jobs,
    running_jobs: status.running_jobs,
    leader: status.leader,
    term: status.term,
    store: status.store,
    version: status.version,
  };
}
