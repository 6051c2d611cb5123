/** What docs/api.md says of every endpoint's answer, against the real program: fields, statuses and sentences, word for word. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DevProcess, startDev } from "../support/dev-process.ts";

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const STATE_WITHIN_MS = 60_000;

let dev: DevProcess;

beforeAll(async () => {
  dev = await startDev({ flags: ["--executor", "process", "--simulate-gpus", "4", "--rate-limit", "10000"] });
});
afterAll(() => dev?.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${dev.url}${path}`, {
    method,
    ...(body !== undefined && {
      headers: { "Content-Type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer["body"] };
}

async function submit(fields: object): Promise<string> {
  const { status, body } = await call("POST", "/api/v1/jobs", {
    tenant_id: "tenant-123",
    name: "j",
    gpu_count: 0,
    ...fields,
  });
  expect(status).toBe(201);
  return String(body["job_id"]);
}

async function untilState(id: string, state: string): Promise<Answer["body"]> {
  const path = `/api/v1/jobs/${id}`;
  await expect
    .poll(async () => (await call("GET", path)).body["state"], { timeout: STATE_WITHIN_MS, interval: 100 })
    .toBe(state);
  return (await call("GET", path)).body;
}

async function createTenant(fields: object): Promise<string> {
  const { body } = await call("POST", "/api/v1/tenants", { name: "t", ...fields });
  return String(body["id"]);
}

describe("jobs", () => {
  test("a submission is answered with the id", async () => {
    const request = { tenant_id: "tenant-123", name: "training-job", gpu_count: 0, script: "true" };
    const { status, headers, body } = await call("POST", "/api/v1/jobs", request);
    expect(status).toBe(201);
    expect(body).toEqual({
      job_id: expect.stringMatching(/^job-\d{1,19}$/),
      status: "submitted",
      message: "Job submitted successfully",
    });
    expect(headers.get("Location")).toBe(`/api/v1/jobs/${String(body["job_id"])}`);
  });

  test("a running job has the documented status and list item, and can be cancelled", async () => {
    const id = await submit({ name: "long", gpu_count: 2, script: "sleep 600", preemption_grace_seconds: 1 });
    const status = await untilState(id, "running");
    const documented = {
      job_id: id,
      state: "running",
      message: "",
      allocated_gpus: [expect.stringMatching(/^gpu-[1-4]$/), expect.stringMatching(/^gpu-[1-4]$/)],
      node_name: expect.stringMatching(/./),
      queue_position: 0,
      estimated_wait: "0s",
    };
    expect(status).toMatchObject(documented);
    expect(Object.keys(status).slice(0, 7)).toEqual(Object.keys(documented));

    const list = await call("GET", "/api/v1/jobs?state=running&name=long");
    expect(list.status).toBe(200);
    const item = {
      id,
      tenant_id: "tenant-123",
      name: "long",
      state: "running",
      priority: 1000,
      gpu_count: 2,
      submitted_at: expect.stringMatching(TIMESTAMP),
      started_at: expect.stringMatching(TIMESTAMP),
    };
    expect(list.body).toEqual({ jobs: [item], total: 1 });

    for (const _ of ["first", "again"]) {
      const cancelled = await call("DELETE", `/api/v1/jobs/${id}`);
      expect([cancelled.status, cancelled.body]).toEqual([200, { message: "Job cancelled successfully" }]);
    }
    expect((await call("GET", `/api/v1/jobs/${id}`)).body["state"]).toBe("cancelled");
  });

  test("a job that waits says for what, and where it stands", async () => {
    const id = await submit({ gpu_count: 5 });
    const { body } = await call("GET", `/api/v1/jobs/${id}`);
    expect(body).toMatchObject({ state: "pending", allocated_gpus: [], node_name: "", started_at: null });
    expect(body["queue_position"]).toBeGreaterThan(0);
    expect(body["message"]).toMatch(/4 GPUs of the 5 needed/);
    await call("DELETE", `/api/v1/jobs/${id}`);
  });

  test("a job that ended completed or failed, and cannot be cancelled", async () => {
    const good = await submit({ script: "echo out; echo err >&2" });
    const bad = await submit({ script: "exit 3" });
    expect(await untilState(good, "completed")).toMatchObject({ exit_code: 0 });
    expect(await untilState(bad, "failed")).toMatchObject({
      exit_code: 3,
      message: expect.stringContaining("exit code 3"),
    });
    for (const [id, state] of [[good, "completed"] as const, [bad, "failed"] as const]) {
      const { status, body } = await call("DELETE", `/api/v1/jobs/${id}`);
      expect([status, body]).toEqual([409, { error: `Job already ${state}` }]);
    }
    const logs = await fetch(`${dev.url}/api/v1/jobs/${good}/logs?stream=stderr`);
    expect([logs.headers.get("Content-Type"), await logs.text()]).toEqual(["text/plain; charset=utf-8", "err\n"]);
  });
});

describe("tenants", () => {
  test("a creation is answered with the documented fields", async () => {
    const { status, body } = await call("POST", "/api/v1/tenants", {
      name: "research-team",
      email: "research@example.com",
      organization: "Example",
      max_gpus: 10,
      max_gpu_memory_mb: 160_000,
      max_cpu_cores: 64,
      max_memory_mb: 256_000,
      max_concurrent_jobs: 20,
      priority_tier: "high",
      allow_preemption: true,
      can_preempt_others: false,
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^tenant-\d{1,19}$/),
      name: "research-team",
      max_gpus: 10,
      current_gpus: 0,
      priority_tier: "high",
      active: true,
      created_at: expect.stringMatching(TIMESTAMP),
    });
  });

  test.each([
    ["low", 100],
    ["medium", 500],
    ["high", 1_000],
    ["critical", 5_000],
  ])("of the tier %s have the priority %i", async (tier, priority) => {
    const tenant_id = await createTenant({ priority_tier: tier });
    const asDefault = await submit({ tenant_id, script: "true" });
    const asCap = await submit({ tenant_id, script: "true", priority: 10_000 });
    expect((await call("GET", `/api/v1/jobs/${asDefault}`)).body).toMatchObject({ priority });
    expect((await call("GET", `/api/v1/jobs/${asCap}`)).body).toMatchObject({
      priority: 10_000,
      effective_priority: priority,
    });
  });

  test("that are deactivated get no new jobs", async () => {
    const tenant_id = await createTenant({});
    const { status, body } = await call("DELETE", `/api/v1/tenants/${tenant_id}`);
    expect([status, body]).toEqual([200, { message: "Tenant deactivated successfully" }]);
    const refused = await call("POST", "/api/v1/jobs", { tenant_id, name: "j", gpu_count: 0 });
    expect([refused.status, refused.body]).toEqual([403, { error: "Tenant is not active" }]);
    const again = await call("PATCH", `/api/v1/tenants/${tenant_id}`, { active: true });
    expect([again.status, again.body["active"]]).toEqual([200, true]);
  });
});

describe("the cluster", () => {
  test("has the documented figures", async () => {
    const path = "/api/v1/cluster/status";
    const options = { timeout: STATE_WITHIN_MS };
    await expect.poll(async () => (await call("GET", path)).body["online_nodes"], options).toBe(1);
    const { status, body } = await call("GET", path);
    const documented = {
      total_gpus: 4,
      available_gpus: expect.any(Number),
      total_nodes: 1,
      online_nodes: 1,
      total_jobs: expect.any(Number),
      pending_jobs: expect.any(Number),
      running_jobs: expect.any(Number),
    };
    expect(status).toBe(200);
    expect(body).toMatchObject({ ...documented, leader: dev.grpcAddress, store: "sqlite" });
    expect(Object.keys(body).slice(0, 7)).toEqual(Object.keys(documented));
  });

  test.each(["/health", "/api/v1/health"])("is healthy at %s", async (path) => {
    const { status, body } = await call("GET", path);
    expect([status, body]).toEqual([200, { status: "healthy" }]);
  });
});

describe("errors", () => {
  const refusals: readonly (readonly [string, string, string, unknown, number, string])[] = [
    ["a body that is not JSON", "POST", "/api/v1/jobs", "{", 400, "Invalid request body"],
    ["a field that lacks", "POST", "/api/v1/jobs", {}, 400, "Invalid request body: tenant_id is required"],
    ["a job that is not there", "GET", "/api/v1/jobs/job-1234567890", undefined, 404, "Job not found"],
    ["cancelling a job that is not there", "DELETE", "/api/v1/jobs/job-1234567890", undefined, 404, "Job not found"],
    ["output of a job that is not there", "GET", "/api/v1/jobs/job-1/logs", undefined, 404, "Job not found"],
    ["a tenant that is not there", "GET", "/api/v1/tenants/tenant-1", undefined, 404, "Tenant not found"],
    ["a node that is not there", "GET", "/api/v1/nodes/nowhere", undefined, 404, "Node not found"],
    ["a path that is not there", "GET", "/api/v1/nothing", undefined, 404, "Not found"],
    ["a method that is not there", "DELETE", "/api/v1/cluster/status", undefined, 405, "Method not allowed"],
  ];

  test.each(refusals)("%s", async (_, method, path, body, status, error) => {
    const answer = await call(method, path, body);
    expect([answer.status, answer.body["error"]]).toEqual([status, error]);
  });

  test("a job that its tenant could never run", async () => {
    const tenant_id = await createTenant({ max_gpus: 1 });
    const { status, body } = await call("POST", "/api/v1/jobs", { tenant_id, name: "j", gpu_count: 2 });
    expect(status).toBe(403);
    expect(body).toMatchObject({ error: "Tenant quota exceeded", details: [{ field: "gpu_count" }] });
  });

  test("more requests than the limit allows", async () => {
    const limited = await startDev({ flags: ["--executor", "process", "--simulate-gpus", "1", "--rate-limit", "1"] });
    try {
      const requests = Array.from({ length: 20 }, () => fetch(`${limited.url}/api/v1/cluster/status`));
      const answers = await Promise.all(requests);
      const refused = answers.find(({ status }) => status === 429);
      expect(await refused?.json()).toEqual({ error: "Rate limit exceeded" });
      expect(refused?.headers.get("Retry-After")).toBe("1");
    } finally {
      await limited.close();
    }
  });
});
