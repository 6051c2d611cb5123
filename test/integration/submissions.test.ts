/** Arrays, batches, dry runs and explanations over gRPC against a real controller. */
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ControllerWorld, jobSpec, scheduler, type SchedulerCalls } from "../support/scheduler-calls.ts";

let world: ControllerWorld;
let calls: SchedulerCalls;

beforeAll(async () => {
  world = await ControllerWorld.start();
  ({ calls } = world);
});

afterAll(() => world.close());

async function submit(fields: Record<string, unknown> = {}): Promise<string> {
  return (await calls.call(scheduler.SubmitJob, { spec: jobSpec(fields) })).job_id;
}

test("an array's id stands for its jobs: in the status, the list and the cancellation", async () => {
  const request = { spec: jobSpec({ gpu_count: 2, priority: 3 }), array_count: 3 };
  const { job_id, job_ids } = await calls.call(scheduler.SubmitJob, request);
  expect(job_ids).toHaveLength(3);
  const array = await calls.call(scheduler.GetJob, { job_id });
  expect(array).toMatchObject({
    id: job_id,
    state: "JOB_STATE_PENDING",
    phase: "JOB_PHASE_QUEUED",
    message: "3 pending",
    gpu_count: 6,
    array: null,
    array_summary: { job_ids, counts: [{ state: "JOB_STATE_PENDING", count: 3 }] },
  });
  expect(await calls.call(scheduler.GetJob, { job_id: job_ids[1] ?? "" })).toMatchObject({
    array: { id: job_id, index: 1 },
    array_summary: null,
    predicted_runtime: { basis: "guess" },
  });
  const list = await calls.call(scheduler.ListJobs, { array_id: job_id, limit: 2 });
  expect(list).toMatchObject({ total: 3, jobs: [{ id: job_ids[2] }, { id: job_ids[1] }] });
  expect(await calls.call(scheduler.ExplainJob, { job_id })).toMatchObject({ job_id: job_ids[0] });
  await calls.call(scheduler.CancelJob, { job_id: job_ids[0] ?? "" });
  expect(await calls.call(scheduler.GetJob, { job_id })).toMatchObject({ message: "2 pending, 1 cancelled" });
  expect(await calls.call(scheduler.CancelJob, { job_id })).toMatchObject({
    state: "JOB_STATE_CANCELLED",
    phase: "JOB_PHASE_FINISHED",
  });
});

test("of a batch each has its own answer, and those that are in order come through", async () => {
  const { results } = await calls.call(scheduler.SubmitJobs, {
    jobs: [
      { spec: jobSpec() },
      { spec: jobSpec({ gpu_count: -1 }) },
      { spec: jobSpec({ tenant_id: "tenant-none" }) },
      { spec: jobSpec(), array_count: 2 },
    ],
  });
  expect(results).toMatchObject([
    { result: "submitted" },
    { refusal: { detail: { code: "invalid", fields: [{ field: "gpu_count" }] } } },
    { refusal: { message: "Tenant not found", detail: { code: "not_found" } } },
    { submitted: { job_ids: [expect.any(String), expect.any(String)] } },
  ]);
  for (const { submitted } of results) {
    if (submitted) await calls.call(scheduler.CancelJob, { job_id: submitted.job_id });
  }
  const tooMany = { jobs: [1, 2].map(() => ({ spec: jobSpec(), array_count: 6_000 })) };
  expect(await calls.refusalOf(scheduler.SubmitJobs, tooMany)).toMatchObject({ fields: ["jobs"] });
});

test("what a job waits for is told, and what is not there is not", async () => {
  const first = await submit();
  const not_before_ms = Date.now() + 3_600_000;
  const second = await submit({ depends_on: [first], not_before_ms });
  expect(await calls.call(scheduler.ExplainJob, { job_id: second })).toMatchObject({
    phase: "JOB_PHASE_HELD",
    blockers: [{ kind: "dependencies", job_ids: [first] }, { kind: "no-nodes" }],
  });
  expect(await calls.refusalOf(scheduler.SubmitJob, { spec: jobSpec({ depends_on: ["job-1"] }) })).toMatchObject({
    code: status.INVALID_ARGUMENT,
    fields: ["depends_on[0]"],
  });
  await calls.call(scheduler.CancelJob, { job_id: first });
  expect(await calls.call(scheduler.GetJob, { job_id: second })).toMatchObject({
    state: "JOB_STATE_FAILED",
    message: `depends on ${first}, which was not completed: cancelled`,
    spec: { not_before_ms, depends_on: [first] },
  });
});

test("a dry run keeps nothing, and a job that does not run has no checkpoint", async () => {
  const { total } = await calls.call(scheduler.ListJobs, {});
  expect(await calls.call(scheduler.DryRunJob, { spec: jobSpec() })).toMatchObject({
    refusal: null,
    explanation: { job_id: "", phase: "JOB_PHASE_QUEUED", blockers: [{ kind: "no-nodes" }] },
  });
  expect(await calls.call(scheduler.DryRunJob, { spec: jobSpec({ tenant_id: "tenant-none" }) })).toMatchObject({
    refusal: { message: "Tenant not found" },
    explanation: null,
  });
  expect((await calls.call(scheduler.ListJobs, {})).total).toBe(total);
  const job_id = await submit();
  expect(await calls.refusalOf(scheduler.CheckpointJob, { job_id })).toMatchObject({ message: "Job is not running" });
  await calls.call(scheduler.CancelJob, { job_id });
});
