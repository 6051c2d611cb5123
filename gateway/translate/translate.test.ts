import { expect, test } from "vitest";
import { scheduler } from "../controller-client.ts";
import type { Job } from "../../proto/generated/gpusched/v1/Job.ts";
import type { Tenant } from "../../proto/generated/gpusched/v1/Tenant.ts";
import { sampleJob, sampleTenant } from "../../test/support/scheduler-samples.ts";
import { toJobStatus, toListJobsRequest } from "./job.ts";
import { toTenant, toTenantSpec, toUpdateTenantRequest } from "./tenant.ts";

/** As it comes over the wire. */
const jobOf = (job: Job) => scheduler.GetJob.responseDeserialize(scheduler.GetJob.responseSerialize(job));
const tenantOf = (tenant: Tenant) =>
  scheduler.GetTenant.responseDeserialize(scheduler.GetTenant.responseSerialize(tenant));

test("a job that waits and has never run has nulls, no GPUs and a place in the queue", () => {
  const { started_at_ms: _, ...neverStarted } = sampleJob;
  const waiting = jobOf({
    ...neverStarted,
    state: "JOB_STATE_PENDING",
    phase: "JOB_PHASE_QUEUED",
    queue_position: 3,
    estimated_wait_ms: 270_000,
    allocations: [],
    spec: null,
  });
  expect(toJobStatus(waiting)).toMatchObject({
    state: "pending",
    phase: "queued",
    allocated_gpus: [],
    node_name: "",
    queue_position: 3,
    estimated_wait: "4m30s",
    started_at: null,
    finished_at: null,
    exit_code: null,
    signal: null,
    spec: null,
  });
});

test("a wait that cannot be known is unknown while the job waits, and none once it does not", () => {
  const { estimated_wait_ms: _, ...unknown } = sampleJob;
  expect(toJobStatus(jobOf({ ...unknown, phase: "JOB_PHASE_QUEUED" })).estimated_wait).toBe("unknown");
  expect(toJobStatus(jobOf({ ...unknown, phase: "JOB_PHASE_HELD" })).estimated_wait).toBe("unknown");
  expect(toJobStatus(jobOf({ ...unknown, phase: "JOB_PHASE_RUNNING" })).estimated_wait).toBe("0s");
});

test("a job that exited with 0 has 0, not null", () => {
  expect(toJobStatus(jobOf({ ...sampleJob, exit_code: 0 })).exit_code).toBe(0);
});

test("a gang's node is its first rank's, and its GPUs are those of all ranks", () => {
  const gang = jobOf({
    ...sampleJob,
    allocations: [
      { rank: 1, node_name: "node-2", gpu_ids: ["b"] },
      { rank: 0, node_name: "node-1", gpu_ids: ["a"] },
    ],
  });
  expect(toJobStatus(gang)).toMatchObject({ node_name: "node-1", allocated_gpus: ["b", "a"] });
});

test("the spec comes back as it was submitted, without what was not given", () => {
  expect(toJobStatus(jobOf(sampleJob)).spec).toEqual(sampleJob.spec);
});

test("a state that this version does not know is null, never a wrong word", () => {
  expect(toJobStatus(jobOf({ ...sampleJob, state: "JOB_STATE_UNSPECIFIED" })).state).toBeNull();
});

test("limits that are not set are null", () => {
  expect(toTenant(tenantOf({ ...sampleTenant, spec: { name: "free" }, usage: null }))).toMatchObject({
    fair_share_weight: 1,
    budget_window_days: 30,
    min_gpu_utilization: null,
    gpu_idle_window_minutes: 60,
    name: "free",
    max_gpus: null,
    max_gpu_memory_mb: null,
    max_queued_jobs: null,
    email: null,
    current_gpus: 0,
    queued_jobs: 0,
  });
});

test("a tenant's tier takes its proto name, and nothing else is added", () => {
  expect(toTenantSpec({ name: "a", priority_tier: "critical", max_gpus: 0 })).toEqual({
    name: "a",
    priority_tier: "PRIORITY_TIER_CRITICAL",
    max_gpus: 0,
  });
});

test("a patch sets what has a value, clears what is null, and leaves the rest", () => {
  const patch = { max_gpus: null, max_cpu_cores: 0, email: null, priority_tier: "low", active: false } as const;
  expect(toUpdateTenantRequest("tenant-1", patch)).toEqual({
    tenant_id: "tenant-1",
    spec: { max_cpu_cores: 0, priority_tier: "PRIORITY_TIER_LOW" },
    clear: ["max_gpus", "email"],
    active: false,
  });
});

test("a list's filters all arrive", () => {
  const query = {
    tenant_id: "tenant-1",
    state: ["pending" as const, "running" as const],
    name: "n",
    node: "node-1",
    label: ["a=b", "c=d=e"],
    array: "job-17",
    limit: 10,
    offset: 20,
  };
  expect(toListJobsRequest(query)).toEqual({
    tenant_id: "tenant-1",
    states: ["JOB_STATE_PENDING", "JOB_STATE_RUNNING"],
    name: "n",
    node_name: "node-1",
    labels: { a: "b", c: "d=e" },
    limit: 10,
    offset: 20,
    array_id: "job-17",
  });
});
