/** One of each thing that a scheduler knows, with every field set. */
import type { ClusterStatus } from "../../proto/generated/gpusched/v1/ClusterStatus.ts";
import type { Explanation } from "../../proto/generated/gpusched/v1/Explanation.ts";
import type { Job } from "../../proto/generated/gpusched/v1/Job.ts";
import type { Node } from "../../proto/generated/gpusched/v1/Node.ts";
import type { Tenant } from "../../proto/generated/gpusched/v1/Tenant.ts";

const SUBMITTED_AT_MS = Date.parse("2024-01-15T10:30:00Z");

export const sampleJob = {
  id: "job-1705314600000000001",
  tenant_id: "tenant-123",
  name: "training-job",
  state: "JOB_STATE_RUNNING",
  phase: "JOB_PHASE_RUNNING",
  message: "",
  priority: 500,
  effective_priority: 500,
  gpu_count: 2,
  attempt: 1,
  submitted_at_ms: SUBMITTED_AT_MS,
  started_at_ms: SUBMITTED_AT_MS + 60_000,
  queue_position: 0,
  estimated_wait_ms: 0,
  allocations: [
    {
      rank: 0,
      node_name: "node-1",
      gpu_ids: ["gpu-1", "gpu-2"],
      cpu_cores: 8,
      memory_mb: 32_000,
      phase: "ALLOCATION_PHASE_RUNNING",
      message: "",
    },
  ],
  history: [{ at_ms: SUBMITTED_AT_MS, kind: "submitted", message: "submitted" }],
  spec: {
    tenant_id: "tenant-123",
    name: "training-job",
    priority: 500,
    gpu_count: 2,
    environment: { EPOCHS: "3" },
    script: "python train.py",
    gang_scheduling: false,
  },
} satisfies Job;

export const sampleExplanation = {
  job_id: sampleJob.id,
  state: "JOB_STATE_PENDING",
  phase: "JOB_PHASE_QUEUED",
  message: "quota: tenant uses 10 of 10 GPUs, and the job asks for 2",
  queue_position: 1,
  blockers: [
    {
      kind: "quota",
      message: "quota: tenant uses 10 of 10 GPUs, and the job asks for 2",
      resource: "gpus",
      limit: 10,
      used: 10,
      wanted: 2,
      missing: 2,
    },
    { kind: "not-before", message: "not to start before 2024-01-15T10:32:00Z", until_ms: SUBMITTED_AT_MS + 120_000 },
    { kind: "claimed", message: "waiting for room", job_ids: ["job-1705314600000000009"] },
  ],
  nodes: [
    { node_name: "node-2", answer: "fits", message: "has room for the job" },
    {
      node_name: "node-1",
      answer: "not-now",
      reason: "gpus-busy",
      message: "has 1 GPU free of the 2 needed",
      resource: "gpus",
      has: 1,
      wanted: 2,
      missing: 1,
    },
  ],
  starts_at_ms: SUBMITTED_AT_MS + 120_000,
  estimated_wait_ms: 120_000,
  starts_by_ms: SUBMITTED_AT_MS + 600_000,
  counterfactuals: [
    {
      sentence: "with 1 GPU it would start now",
      change: [{ field: "gpu_count", number: 1 }, { field: "gang_scheduling", flag: false }, { field: "gpu_model" }],
      starts_at_ms: SUBMITTED_AT_MS,
    },
  ],
} satisfies Explanation;

export const sampleTenant = {
  id: "tenant-1705314600000000002",
  spec: {
    name: "research-team",
    email: "team@example.com",
    organization: "Example",
    max_gpus: 10,
    max_gpu_memory_mb: 160_000,
    max_cpu_cores: 64,
    max_memory_mb: 256_000,
    max_concurrent_jobs: 20,
    max_queued_jobs: 100,
    priority_tier: "PRIORITY_TIER_HIGH",
    allow_preemption: true,
    can_preempt_others: false,
    fair_share_weight: 2.5,
    gpu_hours_budget: 1_000,
    budget_window_days: 7,
    min_gpu_utilization: 15,
    gpu_idle_window_minutes: 90,
  },
  active: true,
  created_at_ms: Date.parse("2024-01-15T10:00:00Z"),
  usage: { gpus: 2, gpu_memory_mb: 160_000, cpu_cores: 8, memory_mb: 32_000, running_jobs: 1, queued_jobs: 3 },
} satisfies Tenant;

export const sampleNode = {
  name: "node-1",
  state: "NODE_STATE_ONLINE",
  cordoned: true,
  message: "",
  inventory: {
    devices: [
      {
        id: "gpu-1",
        model: "NVIDIA H100",
        memory_mb: 81_920,
        index: 0,
        pci_bus_id: "0000:01:00.0",
        numa_node: 0,
        nvlink_island: 0,
        slowdown_c: 87,
      },
      { id: "gpu-2", model: "NVIDIA H100", memory_mb: 81_920, index: 1, pci_bus_id: "0000:02:00.0" },
    ],
    cpu_cores: 64,
    memory_mb: 512_000,
    labels: { zone: "a" },
    executor: "docker",
    device_source: "nvml",
    device_source_reason: "NVML answers",
    driver_version: "570.1",
    agent_version: "0.1.0",
    address: "10.0.0.7",
    gpu_grant: "cdi",
    gpu_grant_reason: "the engine knows nvidia.com/gpu",
    allows_sharing: true,
    gpu_sharing: "mps",
    findings: [
      { check: "docker-live-restore", severity: "warning", message: "live-restore is off", cure: "switch it on" },
    ],
  },
  telemetry: [
    {
      id: "gpu-1",
      utilization_percent: 93,
      memory_used_mb: 70_000,
      temperature_c: 61,
      power_w: 512.5,
      throttling: true,
    },
  ],
  holders: [
    { gpu_id: "gpu-1", job_id: sampleJob.id, attempt: 1, milli: 250 },
    { gpu_id: "gpu-1", job_id: "job-1705314600000000009", attempt: 2, milli: 500 },
  ],
  cpu_cores_used: 8,
  memory_mb_used: 32_000,
  last_heard_at_ms: SUBMITTED_AT_MS + 90_000,
  registered_at_ms: SUBMITTED_AT_MS - 90_000,
  confirmed_dead: { at_ms: SUBMITTED_AT_MS, by: "ann", reason: "its power supply burned" },
  cordon: { at_ms: SUBMITTED_AT_MS, by: "ann", reason: "its fan", drain_until_ms: SUBMITTED_AT_MS + 3_600_000 },
  lives_by: "lease",
  lives_by_reason: "it reaches none of the other agents",
} satisfies Node;

export const sampleStatus = {
  total_gpus: 32,
  available_gpus: 20,
  total_nodes: 4,
  online_nodes: 4,
  total_jobs: 15,
  pending_jobs: 5,
  running_jobs: 10,
  leader: "127.0.0.1:9090",
  term: 7,
  store: "sqlite",
  version: "0.1.0",
} satisfies ClusterStatus;
