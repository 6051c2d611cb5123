/** An etcd that fills up under a leader: it says so before, takes nothing new, keeps leading, and goes on once there is room. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { status } from "@grpc/grpc-js";
import { ServiceStack } from "../../base/service.ts";
import { systemClock } from "../../base/clock.ts";
import { silentLogger } from "../../base/logger.ts";
import { EtcdCandidate } from "../../controller/store/etcd/etcd-candidate.ts";
import { EtcdError } from "../../controller/store/etcd/etcd-error.ts";
import { put, removeAll } from "../../controller/store/etcd/requests.ts";
import type { Store } from "../../controller/store/store.ts";
import { type EtcdCluster, skipWithoutEtcd, startEtcd } from "../support/etcd-cluster.ts";
import { RawAgent, rawHello } from "../support/raw-agent.ts";
import { ControllerWorld, jobSpec, refusal, scheduler } from "../support/scheduler-calls.ts";

const QUOTA_BYTES = 16 * 1024 * 1024;
const PADDING = "x".repeat(500_000);
const ROW = "x".repeat(20_000);
const TTL_MS = 5_000;
const patience = { timeout: 60_000, interval: 20 };

let services: ServiceStack;
let etcd: EtcdCluster;

beforeEach(async (context) => {
  skipWithoutEtcd(context);
  services = new ServiceStack();
  etcd = services.add(await startEtcd({ members: 1, quotaBytes: QUOTA_BYTES }));
});
afterEach(() => services?.close());

const place = () => ({
  endpoints: etcd.endpoints,
  leaseTtlMs: TTL_MS,
  healthEveryMs: 200,
  allowsOld: true,
  instance: "a",
});

async function lead(): Promise<{ candidate: EtcdCandidate; store: Store }> {
  const options = { ...place(), address: "a:1", clock: systemClock, log: silentLogger };
  const candidate = services.add(new EtcdCandidate(options));
  const store = services.add(await candidate.campaign(AbortSignal.timeout(30_000)));
  await store.load();
  return { candidate, store };
}

const write = (key: string, value: string | null) =>
  ({ table: "job", key, value: value === null ? null : { value } }) as const;

/** Fills etcd beside the scheduler's keys, until it raises its alarm. */
async function fillEtcd(): Promise<void> {
  const isFull = (error: unknown) => {
    if (error instanceof EtcdError && error.code === "no_space") return true;
    throw error;
  };
  for (let n = 0, full = false; !full; n += 1) {
    const request = { compare: [], success: [put(`junk/${n}`, PADDING)], failure: [] };
    full = await etcd.client.txn(request).then(() => false, isFull);
  }
}

/** What an operator does: `etcdctl defrag` and `etcdctl alarm disarm`, over the same API. */
async function makeRoom(): Promise<void> {
  await etcd.client.txn({ compare: [], success: [removeAll("junk/")], failure: [] });
  await defragment();
  const { alarms } = (await maintain("alarm", { action: "GET" })) as { alarms: { memberID: string }[] };
  for (const { memberID } of alarms) await maintain("alarm", { action: "DEACTIVATE", memberID, alarm: "NOSPACE" });
}

/** `etcdctl compact` and `etcdctl defrag`. */
async function defragment(): Promise<void> {
  const { header } = await etcd.client.range({ key: Buffer.from("any") });
  await etcd.client.compact(header?.revision ?? 0).catch(() => undefined);
  // etcd forgets in the background: until it has, there is nothing to defragment.
  const defragmented = async () => {
    await maintain("defragment", {});
    return (await etcd.client.status(etcd.endpoints[0] ?? "", {})).dbSize;
  };
  await expect.poll(defragmented, patience).toBeLessThan(QUOTA_BYTES / 2);
}

async function maintain(what: string, body: unknown): Promise<unknown> {
  const url = `http://${etcd.endpoints[0]}/v3/maintenance/${what}`;
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${what}: ${text}`);
  return JSON.parse(text);
}

/** Rows as a batch of submissions makes them. */
const rowsOf = (batch: number, value: string | null) =>
  Array.from({ length: 10 }, (_, n) => write(`job-${batch}-${n}`, value));

async function health() {
  const [endpoint = ""] = etcd.endpoints;
  const [{ dbSize }, { alarms }] = await Promise.all([etcd.client.status(endpoint, {}), etcd.client.alarms({})]);
  return { isBelowQuota: dbSize < QUOTA_BYTES, alarms: alarms.length };
}

test("at 80 % of the quota nothing new is taken, however fast it came; once rows have gone there is room again", async () => {
  const { store } = await lead();
  await expect.poll(() => store.shortage, patience).toBeUndefined();
  let batches = 0;
  const most = QUOTA_BYTES / (10 * ROW.length);
  // As the controller does: it asks before each commit.
  for (; store.shortage === undefined && batches < most; batches += 1) await store.commit(rowsOf(batches, ROW));
  expect(store.shortage).toMatch(/^etcd has taken \d\d % of its quota, and no new jobs are taken until .* 80 %/);
  expect(batches).toBeGreaterThan(most / 4);
  expect(await health()).toEqual({ isBelowQuota: true, alarms: 0 });
  // Rows are changed and removed all the same.
  await store.commit([write("job-0-0", "small")]);
  for (let batch = 1; batch < batches; batch += 1) await store.commit(rowsOf(batch, null));
  // What they took is free as soon as etcd has forgotten them; its file shrinks only when it is told to.
  await expect.poll(() => store.shortage ?? "no more", patience).toMatch(/^the file of etcd.*`etcdctl defrag`|no more/);
  await defragment();
  await expect.poll(() => store.shortage, patience).toBeUndefined();
  expect(await store.commit(rowsOf(0, ROW))).toBe(2 * batches + 1);
  expect(await health()).toEqual({ isBelowQuota: true, alarms: 0 });
  expect(store.tenure.isHeld()).toBe(true);
});

test("a full etcd keeps its leader; a commit is refused and not done, and done once an operator has made room", async () => {
  const { candidate, store } = await lead();
  await store.commit([write("job-0", "before")]);
  await fillEtcd();
  await expect(store.commit([write("job-0", "refused")])).rejects.toMatchObject({ code: "full" });
  // Larger than a transaction: some of its parts may be there.
  await expect(store.commit(rowsOf(0, PADDING))).rejects.toMatchObject({ code: "full" });
  expect(await store.recall?.()).toMatchObject({ revision: 1, rows: [{ key: "job-0", value: { value: "before" } }] });
  expect(store.isFull).toBe(true);
  expect(store.shortage).toMatch(/^etcd is full.*`etcdctl defrag`.*`etcdctl alarm disarm`$/);
  const { term } = candidate.leader ?? {};
  // Longer than a lease lasts that is not renewed.
  const fullSinceMs = performance.now();
  await expect.poll(() => performance.now() - fullSinceMs, patience).toBeGreaterThan(1.5 * TTL_MS);
  expect([store.tenure.isHeld(), candidate.leader?.term]).toEqual([true, term]);
  await makeRoom();
  await expect.poll(() => [store.isFull, store.shortage], patience).toEqual([false, undefined]);
  expect(await store.commit([write("job-0", "after")])).toBe(2);
  expect(await store.commit(rowsOf(1, "later"))).toBe(3);
  await store.close();
  const next = await candidate.campaign(AbortSignal.timeout(30_000));
  services.add(next);
  const { rows, revision } = await next.load();
  expect([revision, rows.length, rows.find(({ key }) => key === "job-0")?.value["value"]]).toEqual([3, 11, "after"]);
});

test("while etcd is full jobs are looked at and nodes are heard, changes are refused, and reports count once there is room", async () => {
  const world = services.add(await ControllerWorld.start({ etcd: place() }));
  const submit = () => world.calls.call(scheduler.SubmitJob, { spec: jobSpec({}) });
  const jobOf = (id: string) => world.calls.call(scheduler.GetJob, { job_id: id });
  await expect.poll(() => submit().catch(() => undefined), patience).toBeDefined();
  const agent = services.add(new RawAgent(world.address));
  await agent.join();
  await expect.poll(() => agent.commands("launch").length, patience).toBe(1);
  const launch = agent.commands("launch")[0]?.launch ?? expect.unreachable("no launch");
  const { job_id, attempt, rank } = launch.key ?? expect.unreachable("a launch without a key");
  const reported = { key: { job_id, attempt, rank }, started_at_ms: Date.now() };
  agent.send({ report: { ...reported, phase: "ALLOCATION_PHASE_RUNNING" } });
  await expect.poll(async () => (await jobOf(job_id)).state, patience).toBe("JOB_STATE_RUNNING");
  const { term } = await world.calls.call(scheduler.GetClusterStatus, {});
  await fillEtcd();
  // The first of them may be what finds out.
  const ended = { cause: "END_CAUSE_EXITED", exit_code: 7, ended_at_ms: Date.now() } as const;
  agent.send({ report: { ...reported, ...ended, phase: "ALLOCATION_PHASE_ENDED" } });
  const full = { code: status.RESOURCE_EXHAUSTED, message: expect.stringContaining("etcdctl alarm disarm") };
  await expect.poll(() => refusal(submit()), patience).toMatchObject(full);
  expect(await refusal(world.calls.call(scheduler.CancelJob, { job_id }))).toMatchObject(full);
  for (let sequence = 1; sequence <= 3; sequence += 1) {
    agent.send({ heartbeat: { sequence, executor: { ready: true } } });
    await expect.poll(() => agent.received.at(-1)?.heartbeat_ack?.sequence, patience).toBe(sequence);
  }
  expect((await jobOf(job_id)).state).toBe("JOB_STATE_RUNNING");
  expect((await health()).alarms).toBe(1);
  const late = services.add(new RawAgent(world.address));
  late.send({ hello: rawHello({ node_name: "raw-2", agent_id: "agent-late" }) });
  expect(await late.rejection()).toMatchObject({ permanent: false, reason: full.message });
  await makeRoom();
  await expect.poll(async () => (await jobOf(job_id)).exit_code, patience).toBe(7);
  await expect.poll(() => agent.commands("release").length, patience).toBe(1);
  await expect.poll(() => submit().catch(() => undefined), patience).toBeDefined();
  expect(await world.calls.call(scheduler.GetClusterStatus, {})).toMatchObject({ term });
});
