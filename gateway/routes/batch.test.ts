import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import { type FakeScheduler, Refusal, startFakeScheduler } from "../../test/support/fake-scheduler.ts";
import { sampleJob } from "../../test/support/scheduler-samples.ts";
import { type Gateway, startGateway } from "../gateway.ts";

const stack = new ServiceStack();
const good = { tenant_id: "tenant-123", name: "x", gpu_count: 1 };
let fake: FakeScheduler;
let gateway: Gateway;

beforeAll(async () => {
  fake = stack.add(await startFakeScheduler());
  const listen = "127.0.0.1:0";
  gateway = stack.add(
    await startGateway({ listen, controllers: [fake.address], rateLimit: 100_000, log: silentLogger }),
  );
});
afterAll(() => stack.close());

async function post(path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`http://${gateway.address}/api/v1${path}`, {
    method: "POST",
    ...(body !== undefined && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test("each submission of a batch has its own answer, in order, wherever it was refused", async () => {
  fake.script["SubmitJobs"] = () => ({
    results: [
      { submitted: { job_id: "job-1" } },
      {
        refusal: { message: "Tenant quota exceeded", detail: { code: "forbidden", fields: [{ field: "gpu_count" }] } },
      },
      { submitted: { job_id: "job-3", job_ids: ["job-4", "job-5"] } },
    ],
  });
  const jobs = [good, { ...good, gpu_count: -1 }, good, "job", { ...good, array: { count: 2 } }];
  const { status: code, body } = await post("/jobs/batch", { jobs });
  expect(code).toBe(200);
  expect(body["results"]).toEqual([
    { job_id: "job-1", status: "submitted", message: "Job submitted successfully" },
    {
      error: expect.stringContaining("gpu_count must be a whole number"),
      details: [{ field: "gpu_count", message: expect.any(String) }],
      status_code: 400,
    },
    { error: "Tenant quota exceeded", details: [{ field: "gpu_count", message: "" }], status_code: 403 },
    { error: "Invalid request body: must be an object", details: expect.any(Array), status_code: 400 },
    {
      job_id: "job-3",
      status: "submitted",
      message: "Array of 2 jobs submitted successfully",
      job_ids: ["job-4", "job-5"],
    },
  ]);
  expect(fake.received("SubmitJobs").at(-1)).toMatchObject({
    jobs: [{ spec: { gpu_count: 1 } }, { spec: { gpu_count: 1 } }, { array_count: 2 }],
  });
});

test("a batch in which nothing is in order never leaves the gateway", async () => {
  const before = fake.received("SubmitJobs").length;
  const { status: code, body } = await post("/jobs/batch", { jobs: [{}] });
  expect(code).toBe(200);
  expect(body["results"]).toMatchObject([{ status_code: 400 }]);
  expect(fake.received("SubmitJobs")).toHaveLength(before);
});

test("a batch of which nobody knows what became is an error as a whole", async () => {
  fake.script["SubmitJobs"] = () => new Refusal(status.UNAVAILABLE, "lost");
  expect((await post("/jobs/batch", { jobs: [good] })).status).toBe(503);
});

test("a start time and an array arrive as the protocol has them, and an array's answer names its jobs", async () => {
  fake.script["SubmitJob"] = () => ({ job_id: "job-3", job_ids: ["job-4", "job-5"] });
  const job = { ...good, array: { count: 2 }, not_before: "2026-08-01T10:00:00.5+02:00", depends_on: ["job-9"] };
  const { status: code, body } = await post("/jobs", job);
  expect([code, body]).toEqual([
    201,
    {
      job_id: "job-3",
      status: "submitted",
      message: "Array of 2 jobs submitted successfully",
      job_ids: ["job-4", "job-5"],
    },
  ]);
  expect(fake.received("SubmitJob").at(-1)).toMatchObject({
    array_count: 2,
    spec: { not_before_ms: Date.parse("2026-08-01T08:00:00.500Z"), depends_on: ["job-9"] },
  });
});

test("a dry run submits nothing and is 200, whether the job would be accepted or not", async () => {
  const before = fake.received("SubmitJob").length;
  const accepted = await post("/jobs?dry_run=true", good);
  expect(accepted).toMatchObject({
    status: 200,
    body: {
      accepted: true,
      reason: null,
      would_start_at: "2024-01-15T10:32:00Z",
      estimated_wait: "2m0s",
      blockers: [{ kind: "quota", missing: 2 }, { kind: "not_before" }, { kind: "claimed" }],
    },
  });
  fake.script["DryRunJob"] = () => ({
    refusal: { message: "Tenant quota exceeded", detail: { code: "forbidden", fields: [{ field: "gpu_count" }] } },
  });
  const refused = await post("/jobs?dry_run=true", good);
  expect(refused).toMatchObject({
    status: 200,
    body: { accepted: false, reason: "Tenant quota exceeded", would_start_at: null, details: [{ field: "gpu_count" }] },
  });
  expect(Object.keys(refused.body)).toEqual(expect.arrayContaining(Object.keys(accepted.body)));
  expect(fake.received("SubmitJob")).toHaveLength(before);
});

test("an explanation has everything that is in the way, with what is missing in numbers", async () => {
  const response = await fetch(`http://${gateway.address}/api/v1/jobs/${sampleJob.id}/explain`);
  expect(response.status).toBe(200);
  const body = (await response.json()) as Record<string, unknown>;
  expect(body).toMatchObject({
    job_id: sampleJob.id,
    state: "pending",
    phase: "queued",
    queue_position: 1,
    estimated_start_at: "2024-01-15T10:32:00Z",
    estimated_wait: "2m0s",
    estimated_start_by: "2024-01-15T10:40:00Z",
    nodes_left_out: 0,
    blockers: [
      { kind: "quota", resource: "gpus", limit: 10, used: 10, wanted: 2, missing: 2, until: null, job_ids: [] },
      { kind: "not_before", resource: null, limit: null, until: "2024-01-15T10:32:00Z" },
      { kind: "claimed", message: "waiting for room", until: null, job_ids: ["job-1705314600000000009"] },
    ],
    nodes: [
      { node_name: "node-2", answer: "fits", reason: null, missing: null },
      { node_name: "node-1", answer: "not_now", reason: "gpus_busy", resource: "gpus", has: 1, wanted: 2, missing: 1 },
    ],
  });
  expect(body["counterfactuals"]).toEqual([
    {
      sentence: "with 1 GPU it would start now",
      change: { gpu_count: 1, gang_scheduling: false, gpu_model: null },
      starts_at: "2024-01-15T10:30:00Z",
    },
  ]);
});

test("a checkpoint is recorded, or there is no such job", async () => {
  expect(await post(`/jobs/${sampleJob.id}/checkpoint`)).toEqual({
    status: 200,
    body: { message: "Checkpoint recorded" },
  });
  expect((await post("/jobs/job-1/checkpoint")).status).toBe(404);
});
