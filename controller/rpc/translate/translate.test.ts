import { expect, test } from "vitest";
import type { JobId } from "../../../base/ids.ts";
import { asNodeName } from "../../../base/ids.ts";
import { CoreWorld } from "../../../test/support/core-world.ts";
import { Outlook } from "../../core/outlook.ts";
import { atOnce } from "../../core/slices.ts";
import { packageDefinition } from "../../../proto/load.ts";
import type { Job as JobMessage } from "../../../proto/generated/gpusched/v1/Job.ts";
import type { JobSpec__Output } from "../../../proto/generated/gpusched/v1/JobSpec.ts";
import { fromEffect, toHello, toReport } from "./agent.ts";
import { fromJob } from "./job.ts";
import { fromJobSpec, toSubmission } from "./job-spec.ts";
import { fromNode } from "./node.ts";
import { fromTenant, toTenantChange } from "./tenant.ts";

/** Through the wire and back: an enum's name that the proto does not know would silently become the first. */
function overTheWire<T>(name: string, message: object): T {
  const type = packageDefinition[`gpusched.v1.${name}`] as unknown as {
    serialize: (message: object) => Buffer;
    deserialize: (bytes: Buffer) => T;
  };
  return type.deserialize(type.serialize(message));
}

function told(w: CoreWorld, id: JobId, maxWork?: number): JobMessage {
  return atOnce(fromJob(w.state, w.job(id), w.now, () => new Outlook(w.state, w.now, maxWork)));
}

const FULL_SPEC = {
  tenant_id: "tenant-1",
  name: "full",
  priority: 7,
  gpu_count: 4,
  depends_on: ["job-1", "job-2"],
  not_before_ms: Date.parse("2026-08-01T08:00:00.123Z"),
  gpu_memory_mb: 16_000,
  gpu_model: "H100|A100",
  cpu_cores: 8,
  memory_mb: 32_000,
  shm_size_mb: 8_000,
  image: "nvidia/cuda:12.0-base",
  command: ["python"],
  args: ["train.py"],
  script: "echo",
  environment: { A: "b" },
  gang_scheduling: true,
  gpus_per_node: 2,
  max_runtime_minutes: 120,
  max_retries: 3,
  preemption_grace_seconds: 5,
  on_node_lost: "wait",
  on_preempt: "cancel",
  labels: { team: "x" },
  node_selector: { zone: "a" },
  volumes: [
    { source: "/data", target: "/mnt/data", read_only: true },
    { source: "/out", target: "/mnt/out", read_only: false },
  ],
};

test("a full spec comes through the wire, the contract and the core unchanged", () => {
  const received = overTheWire<JobSpec__Output>("JobSpec", FULL_SPEC);
  const { spec } = toSubmission({ spec: received });
  const sent = overTheWire<JobSpec__Output>("JobSpec", fromJobSpec(spec));
  expect(sent).toEqual(received);
});

test("an array comes with its count, and a time that is none is refused by its name", () => {
  const spec = overTheWire<JobSpec__Output>("JobSpec", {
    tenant_id: "tenant-1",
    name: "x",
    gpu_count: 1,
    gpu_milli: 5,
  });
  expect(toSubmission({ spec, array_count: 7 })).toMatchObject({ spec: { gpuMilli: 5 }, count: 7 });
  expect(() => toSubmission({ spec, array_count: 0 })).toThrow("array.count must be a whole number");
  for (const not_before_ms of [1e300, -1, Number.MAX_SAFE_INTEGER]) {
    expect(() => toSubmission({ spec: { ...spec, not_before_ms } })).toThrow("not_before");
  }
});

test("what was not asked stays absent, and a bad value names its field", () => {
  const minimal = overTheWire<JobSpec__Output>("JobSpec", { tenant_id: "tenant-1", name: "x", gpu_count: 0 });
  expect(toSubmission({ spec: minimal })).toEqual({ spec: { tenantId: "tenant-1", name: "x", gpuCount: 0 } });
  const bad = overTheWire<JobSpec__Output>("JobSpec", { ...FULL_SPEC, gpus_per_node: 3 });
  expect(() => toSubmission({ spec: bad })).toThrow("gpus_per_node must divide gpu_count (4)");
  expect(() => toSubmission({ spec: null })).toThrow("tenant_id is required");
});

test("every phase, state and rank phase has its name on the wire", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus: 1 });
  const seen = (id: ReturnType<typeof w.submit>) => {
    const message = overTheWire<JobMessage>("Job", told(w, id));
    return [message.state, message.phase, message.allocations?.[0]?.phase];
  };
  const id = w.submit({ maxRetries: 1 });
  expect(seen(id)).toEqual(["JOB_STATE_PENDING", "JOB_PHASE_STARTING", "ALLOCATION_PHASE_STARTING"]);
  const queued = w.submit();
  expect(seen(queued)).toEqual(["JOB_STATE_PENDING", "JOB_PHASE_QUEUED", undefined]);
  w.begin(id);
  expect(seen(id)).toEqual(["JOB_STATE_RUNNING", "JOB_PHASE_RUNNING", "ALLOCATION_PHASE_RUNNING"]);
  w.cancel(queued);
  expect(seen(queued)).toEqual(["JOB_STATE_CANCELLED", "JOB_PHASE_FINISHED", undefined]);
  w.end(id, 1);
  expect(seen(id)).toEqual(["JOB_STATE_PENDING", "JOB_PHASE_HELD", undefined]);
  w.advanceHeard(10_000);
  w.begin(id);
  w.cancel(id);
  expect(seen(id)).toEqual(["JOB_STATE_CANCELLED", "JOB_PHASE_STOPPING", "ALLOCATION_PHASE_STOPPING"]);
  const done = w.submit();
  w.end(id, 143);
  w.end(done, 0);
  expect(seen(done)).toEqual(["JOB_STATE_COMPLETED", "JOB_PHASE_FINISHED", "ALLOCATION_PHASE_ENDED"]);
  const failed = w.submit();
  w.end(failed, 9);
  expect(seen(failed)[0]).toBe("JOB_STATE_FAILED");
});

test("a job that was stopped has the exit of the first rank that ended by itself", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus: 1 });
  w.addNode("node-2", { gpus: 1 });
  const exitOf = (id: ReturnType<typeof w.submit>) => {
    const { exit_code, signal } = told(w, id);
    return { exit_code, signal };
  };
  const id = w.submit({ gpuCount: 2, gang: true });
  w.begin(id, 0);
  w.begin(id, 1);
  w.cancel(id);
  expect(exitOf(id)).toEqual({});
  w.endAs(id, { kind: "node", message: "the runner is gone" }, 0);
  w.endAs(id, { kind: "exited", exitCode: 143, signal: 15, outOfMemory: false, message: "" }, 1);
  expect(exitOf(id)).toEqual({ exit_code: 143, signal: 15 });
  const limited = w.submit({ maxRuntimeMinutes: 1 });
  w.begin(limited);
  w.advanceHeard(60_000);
  w.end(limited, 3);
  expect(w.job(limited)).toMatchObject({ phase: "finished", outcome: { kind: "failed" } });
  expect(exitOf(limited)).toEqual({ exit_code: 3 });
  const never = w.submit({ gpuCount: 0 });
  w.cancel(never);
  w.endAs(never, { kind: "fenced", message: "" });
  expect(exitOf(never)).toEqual({});
});

test("a job is given back without the values of variables that are named like secrets", () => {
  const w = new CoreWorld();
  w.addTenant();
  const secrets = [
    "HF_TOKEN",
    "aws_secret_access_key",
    "DB_PASSWORD",
    "PGPASSWD",
    "GOOGLE_CREDENTIALS",
    "WANDB_API_KEY",
  ];
  const more = ["OPENAI_APIKEY", "SSH_PRIVATE_KEY", "PRIVATEKEY", "ACCESS_KEY_ID"];
  const environment = Object.fromEntries(
    [...secrets, ...more, "EPOCHS", "KEYBOARD", "EMPTY"].map((name) => [name, name]),
  );
  const id = w.submit({ environment });
  const masked = Object.fromEntries([...secrets, ...more].map((name) => [name, "***"]));
  expect(told(w, id).spec?.environment).toEqual({
    ...masked,
    EPOCHS: "EPOCHS",
    KEYBOARD: "KEYBOARD",
    EMPTY: "EMPTY",
  });
  expect(w.state.spec(id).environment).toEqual(environment);
});

test("tenants keep their limits and tiers over the wire, and a cleared limit is unlimited", () => {
  const w = new CoreWorld();
  const tiers = ["low", "medium", "high", "critical"] as const;
  for (const [index, tier] of tiers.entries()) w.addTenant(`tenant-${index}`, { tier, limits: { gpus: 3 } });
  const seen = [...w.state.tenants.values()].map(
    (tenant) =>
      overTheWire<{ spec: { priority_tier: string } }>("Tenant", fromTenant(w.state, tenant)).spec.priority_tier,
  );
  expect(seen).toEqual(["PRIORITY_TIER_LOW", "PRIORITY_TIER_MEDIUM", "PRIORITY_TIER_HIGH", "PRIORITY_TIER_CRITICAL"]);
  const change = toTenantChange(
    overTheWire("UpdateTenantRequest", { tenant_id: "tenant-1", spec: { max_cpu_cores: 4 }, clear: ["max_gpus"] }),
  );
  expect(change.limits).toEqual({ cpuCores: 4, gpus: null });
  expect(change.name).toBeUndefined();
});

test("node states have their names on the wire", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1");
  const [node] = [...w.state.nodes.values()];
  if (!node) throw new Error("no node");
  const seen = () => overTheWire<{ state: string }>("Node", fromNode(node, w.state)).state;
  expect(seen()).toBe("NODE_STATE_ONLINE");
  node.executorReady = false;
  expect(seen()).toBe("NODE_STATE_DEGRADED");
  node.reach = "unreachable";
  expect(seen()).toBe("NODE_STATE_UNREACHABLE");
  node.reach = "lost";
  expect(seen()).toBe("NODE_STATE_LOST");
});

test("a node that has just lost its connection says so before its silence counts: it is given nothing", () => {
  const w = new CoreWorld();
  w.addNode("node-1");
  const [node] = [...w.state.nodes.values()];
  if (!node) throw new Error("no node");
  expect(fromNode(node, w.state)).toMatchObject({ state: "NODE_STATE_ONLINE", message: "" });
  w.disconnect("node-1");
  expect(fromNode(node, w.state)).toMatchObject({ state: "NODE_STATE_ONLINE", message: "its agent is not connected" });
});

test("a gang's ranks are told how to find each other, and a plain job nothing of it", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus: 2 });
  w.addNode("node-2", { gpus: 2 });
  w.submit({ gpuCount: 4, gang: true, environment: { A: "b" } });
  const launches = w.effects.filter((effect) => effect.kind === "launch").map((effect) => fromEffect(effect, 3));
  expect(launches.map((command) => command?.term)).toEqual([3, 3]);
  const [first, second] = launches.map((command) => command?.launch?.environment);
  expect(first).toMatchObject({ A: "b", RANK: "0", NODE_RANK: "0", WORLD_SIZE: "4", NNODES: "2", NPROC_PER_NODE: "2" });
  expect(second).toMatchObject({ RANK: "1", MASTER_ADDR: "node-1.test", MASTER_PORT: first?.["MASTER_PORT"] });
  w.end(w.state.jobs.keys().next().value as never, 0, 0);
  w.end(w.state.jobs.keys().next().value as never, 0, 1);
  w.submit();
  const plain = w.effects.findLast((effect) => effect.kind === "launch");
  expect(plain && fromEffect(plain, 3)?.launch?.environment).toEqual({});
});

test("an agent's report keeps its end, and a hello that is not one is refused by field", () => {
  const report = (fields: object) =>
    toReport(overTheWire("AllocationReport", { key: { job_id: "job-1", attempt: 2, rank: 3 }, ...fields }));
  const ended = { phase: "ALLOCATION_PHASE_ENDED", ended_at_ms: 9, message: "m" };
  expect(report({ ...ended, cause: "END_CAUSE_EXITED", exit_code: 0, out_of_memory: true })).toEqual({
    key: { jobId: "job-1", attempt: 2, rank: 3 },
    devices: [],
    state: { phase: "ended", endedAt: 9, end: { kind: "exited", exitCode: 0, outOfMemory: true, message: "m" } },
  });
  for (const [cause, kind] of [
    ["END_CAUSE_BAD_REQUEST", "bad-request"],
    ["END_CAUSE_NODE", "node"],
    ["END_CAUSE_FENCED", "fenced"],
    ["END_CAUSE_UNSPECIFIED", "node"],
  ]) {
    expect(report({ ...ended, cause }).state).toMatchObject({ end: { kind } });
  }
  expect(() => toReport(overTheWire("AllocationReport", { key: { job_id: "../x" } }))).toThrow("key.job_id");
  const hello = { node_name: "n", agent_id: "a", boot_id: "b", inventory: { executor: "process" } };
  expect(toHello(overTheWire("Hello", hello), 1)).toMatchObject({ node: "n", session: 1 });
  expect(() => toHello(overTheWire("Hello", { ...hello, node_name: "a/b" }), 1)).toThrow("node_name");
  expect(() => toHello(overTheWire("Hello", { ...hello, inventory: undefined }), 1)).toThrow("inventory");
});

test("what an agent found about its host is kept without what is well, and cut to a size that can be stored", () => {
  const finding = { check: "runc-version", severity: "error", message: "runc is old", cure: "a newer one" };
  const others = ["ok", "unknown", "sad"].map((severity) => ({ ...finding, severity }));
  const found = [...others, finding, { ...finding, severity: "warning", message: "x".repeat(5_000) }];
  const inventory = { executor: "process", findings: [...found, ...Array.from({ length: 500 }, () => finding)] };
  const hello = { node_name: "n", agent_id: "a", boot_id: "b", inventory };
  const { findings = [] } = toHello(overTheWire("Hello", hello), 1).inventory;
  expect(findings[0]).toEqual(finding);
  expect(findings[1]?.message.length).toBeLessThan(1_100);
  expect(findings).toHaveLength(64);
});

test("a waiting job says when too much happens before it starts to tell when that will be", () => {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus: 1 });
  const running = w.submit({ maxRuntimeMinutes: 10 });
  w.begin(running);
  const id = w.submit();
  expect(told(w, id)).toMatchObject({
    estimated_wait_ms: 600_000,
    message: "waiting for 1 more GPU: 0 of 1 are free",
  });
  const { message, estimated_wait_ms } = told(w, id, 0);
  expect(message).toContain("; too much happens before it starts to tell when that will be");
  expect(estimated_wait_ms).toBeUndefined();
});

test("a node says whether its jobs have anything but its lease when no leader is heard, and why not", () => {
  const w = new CoreWorld();
  w.addNode("node-1");
  const node = w.state.nodes.get(asNodeName("node-1")) ?? expect.unreachable("no node");
  const seen = () => {
    const { lives_by, lives_by_reason } = fromNode(node, w.state);
    return [lives_by, lives_by_reason];
  };
  expect(seen()).toEqual(["lease", "its agent has no --peer-listen: other agents cannot reach it"]);
  const { record } = node;
  node.record = { ...record, inventory: { ...record.inventory, peerAddress: "node-1:1" } };
  expect(seen()).toEqual(["lease", "it does not know yet which other agents there are"]);
  const timing = { hearingMs: 1, vouchMs: 1, stopMs: 1 };
  const members = ["node-1", "node-2", "node-3"].map((name) => ({ name: asNodeName(name), address: `${name}:1` }));
  w.state.mesh.add({ version: 1, timing, members: [] });
  w.state.mesh.add({ version: 2, timing, members });
  node.record = { ...node.record, memberships: { acknowledged: 1, sent: [2] } };
  expect(seen()).toEqual(["lease", "fewer than 3 agents can be reached by others (--peer-listen)"]);
  node.record = { ...node.record, memberships: { acknowledged: 2, sent: [] } };
  expect(seen()).toEqual(["peers", ""]);
  node.reachesPeers = false;
  expect(seen()).toEqual(["lease", "it reaches none of the other agents"]);
  node.reachesPeers = true;
  expect(seen()).toEqual(["peers", ""]);
});
