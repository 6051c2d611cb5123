/** What a controller tells of itself over HTTP, whether it leads or waits. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { ServiceStack } from "../../base/service.ts";
import { type EtcdCluster, skipWithoutEtcd, startEtcd } from "../support/etcd-cluster.ts";
import { ControllerWorld, jobSpec, scheduler } from "../support/scheduler-calls.ts";

const patience = { timeout: 60_000, interval: 50 };
let services: ServiceStack;
beforeEach(() => {
  services = new ServiceStack();
});
afterEach(() => services.close());

async function start(etcd?: EtcdCluster, instance = "a"): Promise<ControllerWorld> {
  const place = etcd && { endpoints: etcd.endpoints, leaseTtlMs: 5_000, healthEveryMs: 200, allowsOld: true, instance };
  return services.add(await ControllerWorld.start({ metricsListen: "127.0.0.1:0", ...(place ? { etcd: place } : {}) }));
}

async function get(world: ControllerWorld, path: string): Promise<string> {
  return await (await fetch(`http://${present(world.controller.metricsAddress, "its metrics")}${path}`)).text();
}

/** The samples by name and labels. */
async function metrics(world: ControllerWorld): Promise<Record<string, number>> {
  const lines = (await get(world, "/metrics")).split("\n").filter((line) => line && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = "", value] = /^gpusched_(.*) (\S+)$/.exec(line) ?? [];
      return [name, Number(value)];
    }),
  );
}

test("a lone controller leads, and tells how large its file is", async () => {
  const world = await start();
  expect(await metrics(world)).toMatchObject({ is_leader: 1, has_leader: 1, term: 1, store_short: 0 });
  expect((await metrics(world))['store_size_bytes{part="sqlite"}']).toBeGreaterThan(4096);
  expect((await metrics(world))['devices{health="unhealthy"}']).toBe(0);
  expect(JSON.parse(await get(world, "/health"))).toMatchObject({ status: "healthy", role: "leader", term: 1 });
  expect(await get(world, "/nothing")).toBe("Not found\n");
});

test("of two on etcd one leads, the other tells how far its copy is, and both how full etcd is", async (context) => {
  skipWithoutEtcd(context);
  const etcd = services.add(await startEtcd({ members: 1 }));
  const first = await start(etcd, "a");
  await expect.poll(async () => (await metrics(first))["is_leader"], patience).toBe(1);
  const second = await start(etcd, "b");
  await first.calls.call(scheduler.SubmitJob, { spec: jobSpec({}) });
  const copied = { is_leader: 0, has_leader: 1, copy_rows: 3, copy_behind_commits: 0 };
  await expect.poll(() => metrics(second), patience).toMatchObject(copied);
  const health = JSON.parse(await get(second, "/health")) as Record<string, unknown>;
  expect(health).toEqual({ status: "healthy", role: "follower", term: null, leader: first.address });
  const part = `{part="${etcd.endpoints[0]}"}`;
  for (const world of [first, second]) {
    const told = await metrics(world);
    expect([told[`store_up${part}`], told[`store_quota_bytes${part}`]]).toEqual([1, 2 * 1024 ** 3]);
    expect(told[`store_in_use_bytes${part}`]).toBeLessThanOrEqual(told[`store_size_bytes${part}`] ?? 0);
  }
});
