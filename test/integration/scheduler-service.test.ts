/** Every call of the public gRPC API against a real controller: what it answers, and how it refuses. */
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { version } from "../../base/version.ts";
import { ControllerWorld, jobSpec, refusal, scheduler, type SchedulerCalls } from "../support/scheduler-calls.ts";

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

describe("jobs", () => {
  test("a job without a node waits, says why, and is given back as it was asked for", async () => {
    const asked = {
      name: "first",
      gpu_count: 2,
      priority: 700,
      gpu_memory_mb: 40_000,
      gpu_model: "H100",
      cpu_cores: 4,
      memory_mb: 8_000,
      image: "registry.example.com/team/app:v1",
      command: ["python"],
      args: ["train.py"],
      environment: { EPOCHS: "3" },
      gang_scheduling: true,
      gpus_per_node: 1,
      max_runtime_minutes: 10,
      max_retries: 1,
      preemption_grace_seconds: 5,
      on_node_lost: "wait",
      on_preempt: "cancel",
      labels: { team: "a" },
      node_selector: { zone: "b" },
      script: undefined,
    };
    const job_id = await submit(asked);
    expect(job_id).toMatch(/^job-\d{19}$/);
    const job = await calls.call(scheduler.GetJob, { job_id });
    expect(job).toMatchObject({
      id: job_id,
      state: "JOB_STATE_PENDING",
      phase: "JOB_PHASE_QUEUED",
      message: "waiting for a node: none has joined yet",
      priority: 700,
      effective_priority: 700,
      attempt: 0,
      queue_position: 1,
      allocations: [],
      history: [{ kind: "submitted" }],
    });
    const { script: _, ...given } = asked;
    expect(job.spec).toMatchObject({ tenant_id: "tenant-123", ...given });
    await calls.call(scheduler.CancelJob, { job_id });
  });

  test("no field set to zero or false is taken for one left out", async () => {
    const job_id = await submit({ gpu_count: 0, priority: 0, preemption_grace_seconds: 0, gang_scheduling: false });
    const { spec, priority, gpu_count } = await calls.call(scheduler.GetJob, { job_id });
    expect(spec).toMatchObject({ gpu_count: 0, priority: 0, preemption_grace_seconds: 0, gang_scheduling: false });
    expect({ priority, gpu_count }).toEqual({ priority: 0, gpu_count: 0 });
    await calls.call(scheduler.CancelJob, { job_id });
  });

  test("cancelling is final, and done twice is done once", async () => {
    const job_id = await submit();
    const cancelled = { state: "JOB_STATE_CANCELLED", phase: "JOB_PHASE_FINISHED", message: "cancelled by request" };
    expect(await calls.call(scheduler.CancelJob, { job_id })).toMatchObject(cancelled);
    expect(await calls.call(scheduler.CancelJob, { job_id })).toMatchObject(cancelled);
    expect(await calls.logsOf({ job_id })).toBe("");
    expect(await calls.logsOf({ job_id, follow: true })).toBe("");
  });

  test("lists match all that was asked, newest first, in pages", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await submit({ name: "listed", labels: { parity: String(i % 2) } }));
    const list = async (request: Parameters<typeof scheduler.ListJobs.requestSerialize>[0]) => {
      const { jobs, total } = await calls.call(scheduler.ListJobs, { name: "listed", ...request });
      return { ids: jobs.map(({ id }) => id), total };
    };
    const newest = ids.toReversed();
    expect(await list({})).toEqual({ ids: newest, total: 5 });
    expect(await list({ limit: 2, offset: 1 })).toEqual({ ids: newest.slice(1, 3), total: 5 });
    expect(await list({ offset: 9 })).toEqual({ ids: [], total: 5 });
    expect(await list({ labels: { parity: "1" } })).toEqual({ ids: [ids[3], ids[1]], total: 2 });
    expect(await list({ labels: { constructor: "x" } })).toEqual({ ids: [], total: 0 });
    expect(await list({ tenant_id: "tenant-none" })).toEqual({ ids: [], total: 0 });
    expect(await list({ node_name: "node-1" })).toEqual({ ids: [], total: 0 });
    await calls.call(scheduler.CancelJob, { job_id: ids[0] ?? "" });
    expect(await list({ states: ["JOB_STATE_CANCELLED"] })).toEqual({ ids: [ids[0]], total: 1 });
    expect(await list({ states: ["JOB_STATE_PENDING", "JOB_STATE_RUNNING"] })).toMatchObject({ total: 4 });
    for (const job_id of ids) await calls.call(scheduler.CancelJob, { job_id });
  });

  test("every submission of a burst is acknowledged with an id of its own", async () => {
    const ids = await Promise.all(Array.from({ length: 200 }, () => submit({ name: "burst" })));
    expect(new Set(ids).size).toBe(200);
    expect((await calls.call(scheduler.ListJobs, { name: "burst" })).total).toBe(200);
    await Promise.all(ids.map((job_id) => calls.call(scheduler.CancelJob, { job_id })));
  });
});

describe("tenants", () => {
  test("a tenant is what was asked for, with the documented defaults", async () => {
    const spec = { name: "team", email: "team@example.com", max_gpus: 0, priority_tier: "PRIORITY_TIER_LOW" as const };
    const made = await calls.call(scheduler.CreateTenant, { spec });
    expect(made.id).toMatch(/^tenant-\d{19}$/);
    expect(made).toMatchObject({ active: true, spec, usage: { gpus: 0, running_jobs: 0, queued_jobs: 0 } });
    expect(made.spec).toMatchObject({ allow_preemption: true, can_preempt_others: false });
    expect(made.spec?.max_cpu_cores).toBeUndefined();
    expect(await calls.call(scheduler.GetTenant, { tenant_id: made.id })).toEqual(made);
    const { tenants } = await calls.call(scheduler.ListTenants, {});
    expect(tenants.map(({ id }) => id)).toEqual(expect.arrayContaining(["tenant-123", made.id]));
  });

  test("an update sets what is given, clears what is named, and leaves the rest", async () => {
    const spec = { name: "before", organization: "org", max_gpus: 4, max_queued_jobs: 9 };
    const { id: tenant_id } = await calls.call(scheduler.CreateTenant, { spec });
    const update = { tenant_id, spec: { name: "after", max_gpus: 2 }, clear: ["max_queued_jobs", "organization"] };
    const changed = await calls.call(scheduler.UpdateTenant, update);
    expect(changed.spec).toMatchObject({ name: "after", max_gpus: 2 });
    expect([changed.spec?.max_queued_jobs, changed.spec?.organization]).toEqual([undefined, undefined]);
    const quota = await calls.refusalOf(scheduler.SubmitJob, { spec: jobSpec({ tenant_id, gpu_count: 3 }) });
    expect(quota).toMatchObject({ code: status.PERMISSION_DENIED, message: "Tenant quota exceeded" });
    expect(quota.fields).toEqual(["gpu_count"]);
  });

  test("what may wait is what is queued or held, and where that is nothing, nothing can be submitted", async () => {
    const { id: tenant_id } = await calls.call(scheduler.CreateTenant, { spec: { name: "none", max_queued_jobs: 0 } });
    const spec = jobSpec({ tenant_id });
    const quota = { code: status.PERMISSION_DENIED, message: "Tenant quota exceeded", fields: ["tenant_id"] };
    expect(await calls.refusalOf(scheduler.SubmitJob, { spec })).toMatchObject(quota);
    await calls.call(scheduler.UpdateTenant, { tenant_id, spec: { max_queued_jobs: 2 } });
    const tries = Array.from({ length: 5 }, () => calls.call(scheduler.SubmitJob, { spec }));
    const accepted = (await Promise.allSettled(tries)).filter((one) => one.status === "fulfilled");
    expect(accepted).toHaveLength(2);
    for (const { value } of accepted) await calls.call(scheduler.CancelJob, value);
  });

  test("a tenant that is not active keeps its jobs and gets no more, until it is active again", async () => {
    const { id: tenant_id } = await calls.call(scheduler.CreateTenant, { spec: { name: "leaving" } });
    const job_id = await submit({ tenant_id });
    expect(await calls.call(scheduler.DeactivateTenant, { tenant_id })).toMatchObject({ active: false });
    expect(await calls.refusalOf(scheduler.SubmitJob, { spec: jobSpec({ tenant_id }) })).toMatchObject({
      code: status.PERMISSION_DENIED,
      message: "Tenant is not active",
    });
    expect(await calls.call(scheduler.GetJob, { job_id })).toMatchObject({ state: "JOB_STATE_PENDING" });
    await calls.call(scheduler.UpdateTenant, { tenant_id, active: true });
    await submit({ tenant_id });
  });
});

test("the cluster without a node has nothing to give, and says who leads", async () => {
  expect(await calls.call(scheduler.ListNodes, {})).toEqual({ nodes: [] });
  expect(await calls.call(scheduler.GetClusterStatus, {})).toMatchObject({
    total_gpus: 0,
    available_gpus: 0,
    total_nodes: 0,
    online_nodes: 0,
    leader: world.address,
    term: 1,
    store: "sqlite",
    version,
  });
});

describe("refusals name the field in their sentence and in the trailer", () => {
  const UNKNOWN = 99 as never;
  test.each([
    ["no tenant_id", { tenant_id: undefined }, "tenant_id"],
    ["no name", { name: undefined }, "name"],
    ["no gpu_count", { gpu_count: undefined }, "gpu_count"],
    ["a negative gpu_count", { gpu_count: -1 }, "gpu_count"],
    ["too many GPUs", { gpu_count: 4_097 }, "gpu_count"],
    ["a priority beyond the range", { priority: 10_001 }, "priority"],
    ["no cores", { cpu_cores: 0 }, "cpu_cores"],
    ["an image that is none", { image: "UPPER" }, "image"],
    ["a reserved variable", { environment: { GPUSCHED_JOB_ID: "x" } }, "environment.GPUSCHED_JOB_ID"],
    ["a variable that cannot be one", { environment: { "A-B": "x" } }, "environment.A-B"],
    ["a NUL in the script", { script: "a\0b" }, "script"],
    ["a script that is too long", { script: "x".repeat(65_537) }, "script"],
    ["an empty script", { script: "" }, "script"],
    ["a label that cannot be one", { labels: { "a b": "x" } }, "labels.a b"],
    ["gpus_per_node without a gang", { gpus_per_node: 1 }, "gpus_per_node"],
    ["on_node_lost that is unknown", { on_node_lost: "explode" }, "on_node_lost"],
    ["on_preempt that is unknown", { on_preempt: "explode" }, "on_preempt"],
  ])("SubmitJob with %s", async (_, fields, field) => {
    const refused = await calls.refusalOf(scheduler.SubmitJob, { spec: jobSpec(fields) });
    expect(refused).toMatchObject({ code: status.INVALID_ARGUMENT, detail: "invalid" });
    expect(refused.fields).toContain(field);
    expect(refused.message).toContain(refused.fields[0]);
  });

  test("SubmitJob without a spec names everything that is required", async () => {
    const { code, fields } = await calls.refusalOf(scheduler.SubmitJob, {});
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(fields).toEqual(expect.arrayContaining(["tenant_id", "name", "gpu_count"]));
  });

  test.each([
    ["a limit of -1", { limit: -1 }, "limit"],
    ["a limit of 1001", { limit: 1_001 }, "limit"],
    ["an offset of -1", { offset: -1 }, "offset"],
    ["a state that is unknown", { states: [UNKNOWN] }, "states"],
    ["a tenant that cannot be one", { tenant_id: "../" }, "tenant_id"],
    ["a name that deceives", { name: "a\u202eb" }, "name"],
    ["a node that cannot be one", { node_name: " " }, "node_name"],
    ["a label that cannot be one", { labels: { " ": "x" } }, "labels"],
    ["a label with a value that cannot be one", { labels: { a: "b c" } }, "labels"],
    ["17 labels", { labels: Object.fromEntries(Array.from({ length: 17 }, (__, i) => [`l${i}`, "x"])) }, "labels"],
    ["the state UNSPECIFIED", { states: ["JOB_STATE_UNSPECIFIED" as const] }, "states"],
  ])("ListJobs with %s", async (_, request, field) => {
    const refused = await calls.refusalOf(scheduler.ListJobs, request);
    expect(refused).toMatchObject({ code: status.INVALID_ARGUMENT, fields: [field] });
    expect(refused.message).toContain(field);
  });

  test.each([
    ["a negative rank", { rank: -1 }, "rank"],
    ["a negative tail_lines", { tail_lines: -1 }, "tail_lines"],
    ["a stream that is unknown", { stream: UNKNOWN }, "stream"],
  ])("StreamLogs with %s", async (_, request, field) => {
    const job_id = await submit();
    const refused = await refusal(calls.logsOf({ job_id, ...request }));
    expect(refused).toMatchObject({ code: status.INVALID_ARGUMENT, fields: [field] });
    expect(refused.message).toContain(field);
    await calls.call(scheduler.CancelJob, { job_id });
  });

  test.each([
    ["no spec", undefined, "name"],
    ["no name", { name: "" }, "name"],
    ["a name that deceives", { name: "a\u202eb" }, "name"],
    ["an e-mail address that deceives", { name: "t", email: "a\u202eb" }, "email"],
    ["a negative limit", { name: "t", max_gpus: -1 }, "max_gpus"],
    ["a tier that is unknown", { name: "t", priority_tier: UNKNOWN }, "priority_tier"],
    ["the tier UNSPECIFIED", { name: "t", priority_tier: "PRIORITY_TIER_UNSPECIFIED" as const }, "priority_tier"],
  ])("CreateTenant with %s", async (_, spec, field) => {
    const refused = await calls.refusalOf(scheduler.CreateTenant, spec ? { spec } : {});
    expect(refused).toMatchObject({ code: status.INVALID_ARGUMENT, fields: [field] });
    expect(refused.message).toContain(field);
  });

  test.each([
    ["a field to clear that is unknown", { clear: ["max_gpu"] }, "max_gpu"],
    ["a field to clear that must be there", { clear: ["name"] }, "name"],
    ["a field that is both set and cleared", { spec: { max_gpus: 1 }, clear: ["max_gpus"] }, "max_gpus"],
    ["a limit that is negative", { spec: { max_queued_jobs: -1 } }, "max_queued_jobs"],
  ])("UpdateTenant with %s", async (_, change, field) => {
    const refused = await calls.refusalOf(scheduler.UpdateTenant, { tenant_id: "tenant-123", ...change });
    expect(refused.code).toBe(status.INVALID_ARGUMENT);
    expect(refused.fields[0]).toBe(field);
    expect(refused.message).toContain(field);
  });

  test.each([{}, { clear: ["__proto__"] }])("UpdateTenant that changes nothing: %j", async (change) => {
    const refused = await calls.refusalOf(scheduler.UpdateTenant, { tenant_id: "tenant-123", ...change });
    expect(refused.code).toBe(status.INVALID_ARGUMENT);
  });
});

describe("what is not there is not found", () => {
  const job_id = "job-1";
  const tenant_id = "tenant-none";
  test.each([
    ["GetJob", () => calls.call(scheduler.GetJob, { job_id }), "Job not found"],
    ["GetJob of nothing", () => calls.call(scheduler.GetJob, {}), "Job not found"],
    ["CancelJob", () => calls.call(scheduler.CancelJob, { job_id }), "Job not found"],
    ["StreamLogs", () => calls.logsOf({ job_id }), "Job not found"],
    ["StreamLogs that follows", () => calls.logsOf({ job_id, follow: true }), "Job not found"],
    ["ExplainJob", () => calls.call(scheduler.ExplainJob, { job_id }), "Job not found"],
    ["CheckpointJob", () => calls.call(scheduler.CheckpointJob, { job_id }), "Job not found"],
    ["GetTenant", () => calls.call(scheduler.GetTenant, { tenant_id }), "Tenant not found"],
    ["UpdateTenant", () => calls.call(scheduler.UpdateTenant, { tenant_id, active: true }), "Tenant not found"],
    ["DeactivateTenant", () => calls.call(scheduler.DeactivateTenant, { tenant_id }), "Tenant not found"],
    ["SubmitJob", () => calls.call(scheduler.SubmitJob, { spec: jobSpec({ tenant_id }) }), "Tenant not found"],
  ])("%s", async (_, call, message) => {
    expect(await refusal(call())).toMatchObject({ code: status.NOT_FOUND, message, detail: "not_found" });
  });
});

describe("requests that are no messages harm nothing", () => {
  test.each([
    ["bytes that are no message", Buffer.from("\xff\xff\xff\xff", "latin1")],
    ["a length beyond the end", Buffer.from([0x0a, 0x7f, 0x01])],
    ["16 MiB and one byte", Buffer.alloc(16 * 1024 * 1024 + 1)],
  ])("%s", async (_, bytes) => {
    const { code, message } = await refusal(calls.callRaw(scheduler.SubmitJob, bytes));
    expect(code).not.toBe(status.OK);
    expect(message).not.toMatch(/\n\s+at |node_modules|\.ts\b|file:/);
    expect(await calls.call(scheduler.GetClusterStatus, {})).toMatchObject({ term: 1 });
  });
});
