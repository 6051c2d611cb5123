import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { silentLogger } from "../base/logger.ts";
import { ServiceStack } from "../base/service.ts";
import { type FakeScheduler, Refusal, startFakeScheduler } from "../test/support/fake-scheduler.ts";
import { sampleJob, sampleTenant } from "../test/support/scheduler-samples.ts";
import { type Gateway, startGateway } from "./gateway.ts";

const stack = new ServiceStack();
let fake: FakeScheduler;
let gateway: Gateway;

beforeAll(async () => {
  fake = stack.add(await startFakeScheduler());
  gateway = await start(fake.address);
});
afterAll(() => stack.close());

const samples: Record<string, (request: unknown) => unknown> = {};
beforeAll(() => void Object.assign(samples, fake.script));
beforeEach(() => void Object.assign(fake.script, samples));

async function start(controller: string): Promise<Gateway> {
  const controllers = [controller];
  return stack.add(await startGateway({ listen: "127.0.0.1:0", controllers, rateLimit: 100_000, log: silentLogger }));
}

function send(method: string, path: string, body?: unknown): Promise<Response> {
  const json =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  return fetch(`http://${gateway.address}${path}`, { method, ...json });
}

async function answer(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const response = await send(method, path, body);
  return { status: response.status, body: await response.json() };
}

const job = `/api/v1/jobs/${sampleJob.id}`;
const tenant = `/api/v1/tenants/${sampleTenant.id}`;

const DOCUMENTED_STATUS = "job_id state message allocated_gpus node_name queue_position estimated_wait".split(" ");
const DOCUMENTED_ITEM = "id tenant_id name state priority gpu_count submitted_at started_at".split(" ");
const DOCUMENTED_TENANT = "id name max_gpus current_gpus priority_tier active created_at".split(" ");
const DOCUMENTED_CLUSTER =
  "total_gpus available_gpus total_nodes online_nodes total_jobs pending_jobs running_jobs".split(" ");

describe("answers exactly as documented", () => {
  test("a submission", async () => {
    const response = await send("POST", "/api/v1/jobs", { tenant_id: "tenant-123", name: "x", gpu_count: 2 });
    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe(job);
    expect(await response.text()).toBe(
      `{"job_id":"${sampleJob.id}","status":"submitted","message":"Job submitted successfully"}`,
    );
  });

  test("the fields of a submission arrive as they were given", async () => {
    const spec = {
      tenant_id: "tenant-123",
      name: "x",
      gpu_count: 0,
      priority: 0,
      environment: { A: "" },
      command: ["a", ""],
      gang_scheduling: false,
      on_node_lost: "wait",
      labels: { team: "a" },
    };
    await send("POST", "/api/v1/jobs", spec);
    expect(fake.received("SubmitJob").at(-1)).toMatchObject({ spec: { ...spec, args: [], node_selector: {} } });
    expect(fake.received("SubmitJob").at(-1)).not.toHaveProperty("spec.gpu_memory_mb");
  });

  test("a job's status: the documented fields first, then what is known besides", async () => {
    const { status: code, body } = await answer("GET", job);
    expect(code).toBe(200);
    const keys = Object.keys(body as object);
    expect(keys.slice(0, DOCUMENTED_STATUS.length)).toEqual(DOCUMENTED_STATUS);
    expect(keys).toEqual(expect.arrayContaining(DOCUMENTED_ITEM));
    expect(keys.slice(keys.indexOf("effective_priority"))).toEqual(
      (
        "effective_priority attempt phase exit_code signal finished_at array eligible_at predicted_runtime " +
        "checkpoint_at allocations history spec"
      ).split(" "),
    );
    expect(body).toMatchObject({ allocated_gpus: ["gpu-1", "gpu-2"], node_name: "node-1", estimated_wait: "0s" });
  });

  test("a list of jobs", async () => {
    const { status: code, body } = await answer("GET", "/api/v1/jobs");
    expect(code).toBe(200);
    expect(Object.keys(body as object)).toEqual(["jobs", "total"]);
    expect((body as { jobs: object[] }).jobs.map(Object.keys)).toEqual([DOCUMENTED_ITEM]);
    expect(fake.received("ListJobs").at(-1)).toMatchObject({ limit: 50, offset: 0, states: [] });
  });

  test("a cancellation", async () => {
    expect(await answer("DELETE", job)).toEqual({ status: 200, body: { message: "Job cancelled successfully" } });
  });

  test("a new tenant", async () => {
    const response = await send("POST", "/api/v1/tenants", { name: "research-team", max_gpus: 10 });
    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe(tenant);
    expect(Object.keys((await response.json()) as object)).toEqual(DOCUMENTED_TENANT);
  });

  test("the documented body of a tenant, as it stands, with any text for an e-mail address", async () => {
    const body = { name: "string", email: "string", organization: "string", priority_tier: "high" };
    expect((await send("POST", "/api/v1/tenants", body)).status).toBe(201);
    expect(fake.received("CreateTenant").at(-1)).toMatchObject({ spec: { email: "string", organization: "string" } });
  });

  test("tenants: the documented fields first, alone and in the list, and after a change", async () => {
    const one = await answer("GET", tenant);
    expect(Object.keys(one.body as object).slice(0, DOCUMENTED_TENANT.length)).toEqual(DOCUMENTED_TENANT);
    expect(await answer("GET", "/api/v1/tenants")).toEqual({ status: 200, body: { tenants: [one.body], total: 1 } });
    expect(await answer("PATCH", tenant, { max_gpus: null })).toEqual(one);
    expect(await answer("DELETE", tenant)).toEqual({
      status: 200,
      body: { message: "Tenant deactivated successfully" },
    });
  });

  test("the cluster's status", async () => {
    const { status: code, body } = await answer("GET", "/api/v1/cluster/status");
    expect(code).toBe(200);
    expect(Object.keys(body as object)).toEqual([...DOCUMENTED_CLUSTER, "leader", "term", "store", "version"]);
  });

  test("an operator's word that a node is dead, with the jobs that had to leave it", async () => {
    const word = { by: "ann", reason: "its power supply burned" };
    const path = "/api/v1/nodes/node-1/confirm-dead";
    const { status: code, body } = await answer("POST", path, word);
    const node = { name: "node-1", confirmed_dead: { at: "2024-01-15T10:30:00Z", ...word } };
    expect([code, body]).toMatchObject([200, { node, job_ids: [sampleJob.id] }]);
    expect(fake.received("ConfirmNodeDead").at(-1)).toEqual({ node_name: "node-1", ...word });
    expect((await answer("POST", path, { by: "ann" })).body).toMatchObject({
      error: "Invalid request body: reason is required",
    });
    expect((await answer("POST", path, { ...word, force: true })).status).toBe(400);
    expect((await answer("POST", "/api/v1/nodes/node-404/confirm-dead", word)).body).toEqual({
      error: "Node not found",
    });
    fake.script.ConfirmNodeDead = () => new Refusal(status.FAILED_PRECONDITION, "cannot confirm that node-1 is dead");
    expect((await answer("POST", path, word)).status).toBe(409);
  });

  test("a node is cordoned, drained and uncordoned; who says so, and why, may be left out", async () => {
    const path = (verb: string) => `/api/v1/nodes/node-1/${verb}`;
    const word = { by: "ann", reason: "its fan" };
    const cordon = { at: "2024-01-15T10:30:00Z", ...word, drain_until: "2024-01-15T11:30:00Z" };
    const { status: code, body } = await answer("POST", path("cordon"), word);
    expect([code, body]).toMatchObject([200, { node: { cordoned: true, cordon }, job_ids: [sampleJob.id] }]);
    expect(fake.received("CordonNode").at(-1)).toMatchObject({ node_name: "node-1", ...word });
    for (const verb of ["cordon", "drain", "uncordon"]) {
      expect((await answer("POST", path(verb))).status).toBe(200);
      expect((await answer("POST", path(verb), {})).status).toBe(200);
      expect((await answer("POST", path(verb), { force: true })).body).toMatchObject({
        error: expect.stringContaining("force"),
      });
      expect((await answer("POST", `/api/v1/nodes/node-404/${verb}`)).body).toEqual({ error: "Node not found" });
    }
    expect(fake.received("DrainNode").at(-1)).toMatchObject({ node_name: "node-404", deadline_seconds: 3_600 });
    await answer("POST", path("drain"), { ...word, deadline_seconds: 60 });
    expect(fake.received("DrainNode").at(-1)).toMatchObject({ ...word, deadline_seconds: 60 });
    for (const deadline_seconds of [-1, 1.5, "60", 2_592_001]) {
      expect((await answer("POST", path("drain"), { deadline_seconds })).body).toMatchObject({
        error: "Invalid request body: deadline_seconds must be a whole number from 0 to 2592000",
      });
    }
  });

  test("nodes, in the list and alone, without the address at which peers reach them", async () => {
    const { body } = await answer("GET", "/api/v1/nodes");
    const [node] = (body as { nodes: object[] }).nodes;
    expect(body).toEqual({ nodes: [node], total: 1 });
    expect(fake.received("ListNodes").at(-1)).toEqual({ name: "" });
    expect(await answer("GET", "/api/v1/nodes/node-1")).toEqual({ status: 200, body: node });
    expect(fake.received("ListNodes").at(-1)).toEqual({ name: "node-1" });
    for (const name of ["node-2", "NODE-1", "-", "__proto__", "n".repeat(254)]) {
      expect(await answer("GET", `/api/v1/nodes/${name}`)).toEqual({ status: 404, body: { error: "Node not found" } });
    }
    expect(node).toMatchObject({
      state: "online",
      devices: [
        { id: "gpu-1", utilization_percent: 93, power_w: 512.5, holder: { job_id: sampleJob.id, attempt: 1 } },
        { id: "gpu-2", utilization_percent: null, numa_node: null, holder: null, holders: [], slowdown_c: null },
      ],
      cuda_version: "13.0",
      links: [
        { a: "gpu-1", b: "gpu-2", kind: "nvlink", lanes: 18 },
        { a: "gpu-2", b: "gpu-3", kind: "xgmi", lanes: null },
      ],
      allows_sharing: true,
      gpu_sharing: "mps",
      lives_by: "lease",
      lives_by_reason: "it reaches none of the other agents",
    });
    expect((node as { devices: unknown[] }).devices[0]).toMatchObject({
      nvlink_island: 0,
      slowdown_c: 87,
      throttling: true,
      health: "unhealthy",
      health_owner: "agent",
      health_reason: "XID 79: the GPU has fallen off the bus",
      way_back: "reboot the host",
      since: "2024-01-15T10:30:00Z",
      use: "in_use",
      use_reason: null,
      withheld: "unhealthy: XID 79: the GPU has fallen off the bus",
      parent_id: "GPU-whole",
      mig_profile: "3g.40gb",
      ecc_enabled: true,
      power_limit_w: 700,
      max_clock_mhz: 1_980,
      memory_utilization_percent: 41,
      clock_mhz: 1_755,
      memory_clock_mhz: 2_619,
      energy_j: 1_234.5,
      slowdown_margin_c: 26,
      ecc_corrected: 12,
      ecc_uncorrected: 0,
      holder: { gpu_milli: 250 },
      holders: [{ gpu_milli: 250 }, { job_id: "job-1705314600000000009", attempt: 2, gpu_milli: 500 }],
    });
    expect((node as { devices: unknown[] }).devices[1]).toMatchObject({
      parent_id: null,
      mig_profile: null,
      ecc_enabled: null,
      power_limit_w: null,
      energy_j: null,
      ecc_corrected: null,
      health: null,
      health_owner: null,
      way_back: null,
      since: null,
      use: null,
      withheld: null,
    });
    expect(JSON.stringify(body)).not.toContain("10.0.0.7");
  });

  test("an operator's word on a device, whose id is as its driver writes it; one that is not there is told", async () => {
    const device_id = "GPU-b850f46d:0";
    const path = (verb: string) => `/api/v1/nodes/node-1/devices/${device_id}/${verb}`;
    expect(await answer("POST", path("quarantine"), { by: "ann", reason: "its fan" })).toMatchObject({
      status: 200,
      body: { node: { name: "node-1" }, job_ids: [sampleJob.id] },
    });
    const told = { node_name: "node-1", device_id };
    expect(fake.received("QuarantineDevice").at(-1)).toMatchObject({ ...told, by: "ann", reason: "its fan" });
    expect(await answer("POST", path("release"))).toMatchObject({ status: 200 });
    expect(fake.received("ReleaseDevice").at(-1)).toMatchObject(told);
    expect(await answer("POST", "/api/v1/nodes/node-404/devices/gpu-1/release")).toMatchObject({ status: 404 });
    expect(await answer("POST", path("quarantine"), { deadline_seconds: 1 })).toMatchObject({ status: 400 });
  });

  test.each(["", "/api/v1"])("health, readiness and metrics under %s/", async (prefix) => {
    expect(await answer("GET", `${prefix}/health`)).toEqual({ status: 200, body: { status: "healthy" } });
    expect(await answer("GET", `${prefix}/ready`)).toEqual({ status: 200, body: { status: "ready" } });
    const metrics = await send("GET", `${prefix}/metrics`);
    expect(metrics.headers.get("content-type")).toMatch(/^text\/plain/);
    expect(await metrics.text()).toMatch(
      /gpusched_http_requests_total\{method="GET",route="(\/api\/v1)?\/ready",status="200"\} \d/,
    );
  });

  test("HEAD as GET, without a body", async () => {
    const response = await send("HEAD", "/health");
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(response.headers.get("content-length")).toBe("20");
  });
});

describe("errors", () => {
  test.each([
    ["GET", "/api/v1/jobs/job-404", 404, "Job not found"],
    ["DELETE", "/api/v1/jobs/job-404", 404, "Job not found"],
    ["GET", "/api/v1/jobs/job-404/logs", 404, "Job not found"],
    ["GET", "/api/v1/tenants/tenant-404", 404, "Tenant not found"],
    ["DELETE", "/api/v1/tenants/tenant-404", 404, "Tenant not found"],
    ["GET", "/api/v1/nodes/node-404", 404, "Node not found"],
    ["GET", "/api/v1/nothing", 404, "Not found"],
  ])("%s %s: %i", async (method, path, code, error) => {
    expect(await answer(method, path)).toEqual({ status: code, body: { error } });
  });

  test.each([
    [status.PERMISSION_DENIED, 403, "Tenant quota exceeded"],
    [status.FAILED_PRECONDITION, 409, "Job already completed"],
    [status.NOT_FOUND, 404, "Tenant not found"],
  ])("the scheduler's refusal with gRPC status %i is %i", async (grpcStatus, code, error) => {
    fake.script.SubmitJob = () => new Refusal(grpcStatus, error);
    expect(await answer("POST", "/api/v1/jobs", { tenant_id: "t", name: "x", gpu_count: 1 })).toEqual({
      status: code,
      body: { error },
    });
  });

  test("the scheduler's refusal keeps its fields", async () => {
    const fields = [{ field: "image", message: "is required" }];
    fake.script.CancelJob = () => new Refusal(status.INVALID_ARGUMENT, "image is required", { fields });
    expect(await answer("DELETE", job)).toEqual({
      status: 400,
      body: { error: "image is required", details: fields },
    });
  });

  test("a bug is 500 with the request's id, and nothing of its inside", async () => {
    fake.script.GetJob = () => new Refusal(status.INTERNAL, "undefined is not a function at /srv/core.ts:7");
    const response = await fetch(`http://${gateway.address}${job}`, { headers: { "X-Request-Id": "my-id" } });
    expect(response.status).toBe(500);
    expect(response.headers.get("x-request-id")).toBe("my-id");
    expect(await response.json()).toEqual({ error: "Failed to process request", request_id: "my-id" });
  });

  test("without a controller, requests are 503 with the time to wait, and health is healthy", async () => {
    const gone = await startFakeScheduler();
    await gone.close();
    const lonely = await start(gone.address);
    for (const path of ["/ready", "/api/v1/ready", "/api/v1/jobs"]) {
      const response = await fetch(`http://${lonely.address}${path}`);
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toBe("1");
      expect(JSON.stringify(await response.json())).not.toContain(gone.address);
    }
    expect((await fetch(`http://${lonely.address}/health`)).status).toBe(200);
  });
});

test("every answer has its headers", async () => {
  for (const path of ["/health", "/nothing", "/api/v1/jobs?limit=0"]) {
    const { headers } = await send("GET", path);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-powered-by")).toBeNull();
    expect(headers.get("access-control-allow-origin")).toBeNull();
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  }
});
