/** Arrays, dependencies, start times, shares, batches, dry runs, explanations and checkpoints, from the REST call to the process. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DevProcess, startDev } from "../support/dev-process.ts";
import { RestClient } from "../support/rest-client.ts";

const FLAGS = ["--executor", "process", "--simulate-gpus", "2", "--allow-sharing", "--rate-limit", "10000"];
const job = { tenant_id: "tenant-123", name: "j", gpu_count: 0, script: "true", preemption_grace_seconds: 1 };
const isOver = ({ phase }: { phase: string }) => phase === "finished";
const isRunning = ({ state }: { state: string }) => state === "running";

let dataDir: string;
let dev: DevProcess;
let rest: RestClient;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "gpusched-submissions-"));
  await start();
});
afterAll(async () => {
  await dev?.close();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

async function start(): Promise<void> {
  dev = await startDev({ flags: FLAGS, dataDir });
  rest = new RestClient(dev.url);
}

interface Submitted {
  readonly job_id: string;
  readonly job_ids: readonly string[];
}

const get = (path: string) => rest.json<Record<string, unknown>>("GET", path);

async function cancel(...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    await rest.json("DELETE", `/jobs/${id}`);
    await rest.jobWhen(id, isOver);
  }
}

/** Holds both GPUs until it is cancelled. */
async function holdAll(fields: object = {}): Promise<string> {
  const id = await rest.submit({ ...job, gpu_count: 2, script: "sleep 600", ...fields });
  await rest.jobWhen(id, isRunning);
  return id;
}

describe("arrays", () => {
  test("every job runs with its index, and the array sums them up", async () => {
    const script =
      'echo "$GPUSCHED_ARRAY_ID $GPUSCHED_ARRAY_INDEX $GPUSCHED_JOB_ID"; exit $((GPUSCHED_ARRAY_INDEX / 2))';
    const { job_id, job_ids } = await rest.json<Submitted>("POST", "/jobs", { ...job, script, array: { count: 3 } });
    expect(job_ids).toHaveLength(3);
    const array = await rest.jobWhen(job_id, isOver);
    expect(array).toMatchObject({
      state: "failed",
      message: "1 failed, 2 completed",
      job_ids,
      counts: { pending: 0, running: 0, completed: 2, failed: 1, preempted: 0, cancelled: 0 },
    });
    for (const [index, id] of job_ids.entries()) {
      expect(await get(`/jobs/${id}`)).toMatchObject({ array: { id: job_id, index } });
      expect(await rest.text("GET", `/jobs/${id}/logs`)).toBe(`${job_id} ${index} ${id}\n`);
    }
    const listed = await get(`/jobs?array=${job_id}&state=completed`);
    expect(listed).toMatchObject({ total: 2, jobs: [{ id: job_ids[1] }, { id: job_ids[0] }] });
  });

  test("an array is cancelled by its id, also after a restart", async () => {
    const waiting = { ...job, array: { count: 50 }, not_before: new Date(Date.now() + 3_600_000).toISOString() };
    const { job_id } = await rest.json<Submitted>("POST", "/jobs", waiting);
    expect(await dev.stop()).toBe(0);
    await start();
    expect(await get(`/jobs/${job_id}`)).toMatchObject({ state: "pending", phase: "held", message: "50 pending" });
    await rest.json("DELETE", `/jobs/${job_id}`);
    expect(await get(`/jobs/${job_id}`)).toMatchObject({ state: "cancelled", message: "50 cancelled" });
  });
});

describe("what comes first", () => {
  test("a job starts when all that it depends on is completed, arrays included, and not before", async () => {
    const { job_id: first } = await rest.json<Submitted>("POST", "/jobs", {
      ...job,
      script: "sleep 1",
      array: { count: 2 },
    });
    const second = await rest.submit({ ...job, depends_on: [first] });
    const waiting = await get(`/jobs/${second}`);
    expect(waiting).toMatchObject({
      state: "pending",
      phase: "held",
      message: expect.stringMatching(/^waiting for job-/),
    });
    const done = await rest.jobWhen(second, isOver);
    expect(done).toMatchObject({ state: "completed", eligible_at: expect.any(String), spec: { depends_on: [first] } });
    const ends = (await get(`/jobs/${first}`))["finished_at"];
    expect(Date.parse(String((await get(`/jobs/${second}`))["started_at"]))).toBeGreaterThanOrEqual(
      Date.parse(String(ends)),
    );
  });

  test("a job whose dependency fails has failed, and says of which", async () => {
    const bad = await rest.submit({ ...job, script: "sleep 0.5; exit 3" });
    const next = await rest.submit({ ...job, depends_on: [bad] });
    const last = await rest.submit({ ...job, depends_on: [next] });
    const message = (id: string) => `depends on ${id}, which was not completed: failed`;
    expect(await rest.jobWhen(last, isOver)).toMatchObject({ state: "failed", attempt: 0, message: message(next) });
    expect(await rest.job(next)).toMatchObject({ state: "failed", message: message(bad) });
    const refused = await rest.ask("POST", "/jobs", { ...job, depends_on: ["job-1"] });
    expect([refused?.status, refused?.text]).toEqual([400, expect.stringContaining("depends_on[0]")]);
  });

  test("a job waits for its time", async () => {
    const at = new Date(Date.now() + 1_500);
    const id = await rest.submit({ ...job, not_before: at.toISOString() });
    expect(await rest.job(id)).toMatchObject({ phase: "held", spec: { not_before: at.toISOString() } });
    const done = await rest.jobWhen(id, isOver);
    expect(done.state).toBe("completed");
    expect(Date.parse(String((await get(`/jobs/${id}`))["started_at"]))).toBeGreaterThanOrEqual(at.getTime());
  });
});

test("a batch of 200 comes through with one answer each", async () => {
  const jobs = Array.from({ length: 200 }, (_, index) => (index === 7 ? { ...job, gpu_count: "one" } : job));
  const { results } = await rest.json<{ results: { job_id?: string; status_code?: number }[] }>("POST", "/jobs/batch", {
    jobs,
  });
  expect(results).toHaveLength(200);
  expect(results.flatMap(({ status_code }, index) => (status_code ? [[index, status_code]] : []))).toEqual([[7, 400]]);
  const ids = results.flatMap(({ job_id }) => job_id ?? []);
  expect([...new Set(ids)].toSorted()).toEqual(ids);
  for (const id of [ids[0] ?? "", ids.at(-1) ?? ""]) expect((await rest.jobWhen(id, isOver)).state).toBe("completed");
});

describe("what is in the way", () => {
  test("a dry run and an explanation name it, and when it will be gone", async () => {
    const holder = await holdAll({ max_runtime_minutes: 10 });
    const wanted = { ...job, gpu_count: 2 };
    const { total } = await get("/jobs");
    const run = await rest.json<Record<string, unknown>>("POST", "/jobs?dry_run=true", wanted);
    expect(run).toMatchObject({
      accepted: true,
      message: "waiting for 2 more GPUs: 0 of 2 are free",
      queue_position: 1,
      blockers: [{ kind: "resources", resource: "gpus", used: 2, limit: 2, wanted: 2, missing: 2 }],
      nodes: [{ answer: "not_now", reason: "gpus_busy", has: 0, wanted: 2, missing: 2 }],
    });
    expect((await get("/jobs"))["total"]).toBe(total);
    const id = await rest.submit(wanted);
    const why = await get(`/jobs/${id}/explain`);
    expect(why).toMatchObject({ job_id: id, state: "pending", queue_position: 1, blockers: run["blockers"] });
    expect(Date.parse(String(why["estimated_start_at"]))).toBe(Date.parse(String(run["would_start_at"])));
    expect(String(why["estimated_wait"])).toMatch(/^(9m\d+|10m0)s$/);
    expect(Date.parse(String(why["estimated_start_by"]))).toBeGreaterThanOrEqual(
      Date.parse(String(why["estimated_start_at"])) - 1_000,
    );
    await cancel(id);
    expect(await rest.json("POST", "/jobs?dry_run=true", { ...job, gpu_count: 3 })).toMatchObject({
      would_start_at: null,
      estimated_wait: "unknown",
      nodes: [{ answer: "never", reason: "too_few_gpus" }],
      counterfactuals: [
        { sentence: expect.stringMatching(/^with 1 GPU it would start at /), change: { gpu_count: 1 } },
      ],
    });
    await cancel(holder);
    expect(await rest.json("POST", "/jobs?dry_run=true", wanted)).toMatchObject({
      message: "it would start at once",
      estimated_wait: "0s",
      blockers: [],
    });
  });

  test("a tenant's quota and budget are named with their numbers", async () => {
    const { id: tenant_id } = await rest.json<{ id: string }>("POST", "/tenants", {
      name: "small",
      max_gpus: 1,
      gpu_hours_budget: 0.5,
      budget_window_days: 7,
      fair_share_weight: 2.5,
      min_gpu_utilization: 5,
      gpu_idle_window_minutes: 90,
    });
    expect(await get(`/tenants/${tenant_id}`)).toMatchObject({
      gpu_hours_budget: 0.5,
      budget_window_days: 7,
      fair_share_weight: 2.5,
      min_gpu_utilization: 5,
      gpu_idle_window_minutes: 90,
    });
    const unwatched = { min_gpu_utilization: null, gpu_idle_window_minutes: null };
    expect(await rest.json("PATCH", `/tenants/${tenant_id}`, unwatched)).toMatchObject({
      min_gpu_utilization: null,
      gpu_idle_window_minutes: 60,
    });
    const own = { ...job, tenant_id, gpu_count: 1, script: "sleep 600", max_runtime_minutes: 20 };
    const first = await rest.submit(own);
    await rest.jobWhen(first, isRunning);
    const second = await rest.submit(own);
    expect((await get(`/jobs/${second}/explain`))["blockers"]).toMatchObject([
      { kind: "quota", resource: "gpus", limit: 1, used: 1, wanted: 1, missing: 1 },
      { kind: "budget", resource: "gpu_hours", limit: 0.5, missing: expect.closeTo(1 / 6, 2) },
    ]);
    expect(await rest.json("POST", "/jobs?dry_run=true", { ...own, gpu_count: 2 })).toMatchObject({
      accepted: false,
      reason: "Tenant quota exceeded",
      details: [{ field: "gpu_count" }],
    });
    await cancel(second, first);
  });
});

test("two jobs share a GPU, each told its part", async () => {
  const script = 'echo "$GPUSCHED_GPU_MILLI $CUDA_VISIBLE_DEVICES"; sleep 600';
  const share = { ...job, gpu_count: 1, gpu_milli: 500, script };
  const ids = [await rest.submit(share), await rest.submit(share)];
  const jobs = await Promise.all(ids.map((id) => rest.jobWhen(id, isRunning)));
  const [gpu = ""] = jobs[0]?.allocated_gpus ?? [];
  expect(jobs[1]?.allocated_gpus).toEqual([gpu]);
  expect(jobs[0]).toMatchObject({
    allocations: [{ gpu_milli: 500, gpu_sharing: expect.stringMatching(/^(mps|accounted)$/) }],
  });
  await expect.poll(() => rest.text("GET", `/jobs/${ids[0]}/logs`)).toBe(`500 ${gpu}\n`);
  const { nodes } = await rest.json<{ nodes: { devices: { id: string; holders: object[] }[] }[] }>("GET", "/nodes");
  expect(nodes[0]).toMatchObject({ allows_sharing: true });
  expect(nodes[0]?.devices.find(({ id }) => id === gpu)?.holders).toEqual(
    ids.map((job_id) => ({ job_id, attempt: 1, gpu_milli: 500 })),
  );
  await cancel(...ids);
});

describe("checkpoints", () => {
  test("a line of output is one; after a restart of everything it is not taken for another, and the next one is seen", async () => {
    const marker = "::gpusched checkpoint::";
    const script = `echo ${marker}; until [ -e go ]; do sleep 0.1; done; while sleep 1; do echo ${marker}; done`;
    const id = await rest.submit({ ...job, script });
    const checkpointAt = async () => Date.parse(String((await get(`/jobs/${id}`))["checkpoint_at"]));
    await expect.poll(checkpointAt, { timeout: 30_000 }).toBeGreaterThan(0);
    const first = await checkpointAt();
    expect(await dev.stop()).toBe(0);
    await start();
    await rest.jobWhen(id, isRunning);
    expect(await checkpointAt()).toBe(first);
    await writeFile(join(dataDir, "agent", "attempts", `${id}-1-0`, "work", "go"), "");
    await expect.poll(checkpointAt, { timeout: 30_000 }).toBeGreaterThan(first);
    expect(await checkpointAt()).toBeGreaterThanOrEqual(first + 10_000);
    await cancel(id);
  });

  test("a job that can reach the gateway says so itself", async () => {
    // Until the controller knows that it runs, it is refused.
    const report = `curl -sf -X POST ${dev.url}/api/v1/jobs/$GPUSCHED_JOB_ID/checkpoint`;
    const id = await rest.submit({
      ...job,
      script: `until ${report}; do sleep 0.2; done; sleep 600`,
    });
    const isSafe = async () => (await get(`/jobs/${id}`))["checkpoint_at"] !== null;
    await expect.poll(isSafe, { timeout: 30_000 }).toBe(true);
    expect(await rest.text("GET", `/jobs/${id}/logs`)).toContain('{"message":"Checkpoint recorded"}');
    await cancel(id);
    const late = await rest.ask("POST", `/jobs/${id}/checkpoint`);
    expect([late?.status, late?.text]).toEqual([409, '{"error":"Job is not running"}']);
  });
});
