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
import { ControllerWorld, jobSpec, refusal, scheduler } from "../support/scheduler-calls.ts";

/** etcd lets its file grow by 16 MiB at a time. */
const QUOTA_BYTES = 16 * 1024 * 1024;
const PADDING = "x".repeat(500_000);
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
  const { header } = await etcd.client.txn({ compare: [], success: [removeAll("junk/")], failure: [] });
  await etcd.client.compact(header?.revision ?? 0).catch(() => undefined);
  // etcd forgets in the background: until it has, there is nothing to defragment.
  const defragmented = async () => {
    await maintain("defragment", {});
    return (await etcd.client.status(etcd.endpoints[0] ?? "", {})).dbSize;
  };
  await expect.poll(defragmented, patience).toBeLessThan(QUOTA_BYTES / 4);
  const { alarms } = (await maintain("alarm", { action: "GET" })) as { alarms: { memberID: string }[] };
  for (const { memberID } of alarms) await maintain("alarm", { action: "DEACTIVATE", memberID, alarm: "NOSPACE" });
}

async function maintain(what: string, body: unknown): Promise<unknown> {
  const url = `http://${etcd.endpoints[0]}/v3/maintenance/${what}`;
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${what}: ${text}`);
  return JSON.parse(text);
}

test("a full etcd keeps its leader, whose commit waits and is done once an operator has made room", async () => {
  const { candidate, store } = await lead();
  await store.commit([write("job-0", "before")]);
  await fillEtcd();
  const commit = store.commit([write("job-0", "after")]);
  await expect.poll(() => store.shortage, patience).toMatch(/^etcd is full.*`etcdctl defrag`.*`etcdctl alarm disarm`$/);
  const { term } = candidate.leader ?? {};
  // Longer than a lease lasts that is not renewed.
  const fullSinceMs = performance.now();
  await expect.poll(() => performance.now() - fullSinceMs, patience).toBeGreaterThan(1.5 * TTL_MS);
  expect([store.tenure.isHeld(), candidate.leader?.term]).toEqual([true, term]);
  await makeRoom();
  expect(await commit).toBe(2);
  expect(await store.commit([write("job-1", "later")])).toBe(3);
  await expect.poll(() => store.shortage, patience).toBeUndefined();
  await store.close();
  const next = await candidate.campaign(AbortSignal.timeout(30_000));
  services.add(next);
  const { rows, revision } = await next.load();
  expect([revision, rows.map(({ key, value }) => `${key} ${String(value["value"])}`).toSorted()]).toEqual([
    3,
    ["job-0 after", "job-1 later"],
  ]);
});

test("submissions are refused at once, with what an operator must do, and taken again by the same leader", async () => {
  const world = services.add(await ControllerWorld.start({ etcd: place() }));
  const submit = () => world.calls.call(scheduler.SubmitJob, { spec: jobSpec({}) });
  await expect.poll(() => submit().catch(() => undefined), patience).toBeDefined();
  const { job_id } = await submit();
  const { term } = await world.calls.call(scheduler.GetClusterStatus, {});
  await fillEtcd();
  await expect
    .poll(() => refusal(submit()), patience)
    .toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      message: expect.stringContaining("etcdctl alarm disarm"),
    });
  await makeRoom();
  await expect.poll(() => submit().catch(() => undefined), patience).toBeDefined();
  expect(await world.calls.call(scheduler.GetClusterStatus, {})).toMatchObject({ term });
  expect(await world.calls.call(scheduler.CancelJob, { job_id })).toMatchObject({ state: "JOB_STATE_CANCELLED" });
});
