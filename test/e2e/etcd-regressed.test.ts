/** An etcd that was put back to an earlier state: the controller stops and says so, stops no job, and goes on once that is accepted. */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { put } from "../../controller/store/etcd/requests.ts";
import { killJobs } from "../support/dev-process.ts";
import { type EtcdCluster, skipWithoutEtcd, startEtcd } from "../support/etcd-cluster.ts";
import { freePort } from "../support/free-port.ts";
import { RestClient } from "../support/rest-client.ts";
import { type RoleProcess, startRole } from "../support/role-process.ts";

const REGRESSED = 69;
const HEAD = "gpusched/head";
const patience = { timeout: 60_000, interval: 50 };

let services: ServiceStack;
let directory: string;
let etcd: EtcdCluster;
let grpc: string;

beforeEach(async (context) => {
  skipWithoutEtcd(context);
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-regressed-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  services.add({ close: () => killJobs(directory) });
  etcd = services.add(await startEtcd({ members: 1 }));
  grpc = `127.0.0.1:${await freePort()}`;
});
afterEach(() => services?.close());

const role = (...args: string[]) => services.add(startRole(...args));

function startController(...flags: string[]): RoleProcess {
  const place = ["--etcd", etcd.endpoints.join(","), "--election-ttl", "2s", "--allow-old-etcd"];
  return role("controller", "--listen", grpc, ...place, ...flags);
}

/** What the agent was told with its last heartbeat. */
function remembered(): number {
  const file = join(directory, "agent", "agent.json");
  return existsSync(file) ? ((JSON.parse(readFileSync(file, "utf8")) as { revision?: number }).revision ?? 0) : 0;
}

async function headInEtcd(): Promise<Record<string, unknown>> {
  const { kvs } = await etcd.client.range({ key: Buffer.from(HEAD) });
  return JSON.parse(kvs[0]?.value.toString() ?? "{}") as Record<string, unknown>;
}

test("a controller on an etcd that agents remember to have been further stops, and goes on with a person's word", async () => {
  const controller = startController();
  const gateway = role("gateway", "--listen", "127.0.0.1:0", "--controllers", grpc);
  const rest = new RestClient(`http://${String((await gateway.untilLogged("gateway listens")).address)}`);
  const agent = ["--controllers", grpc, "--data-dir", join(directory, "agent"), "--heartbeat", "200ms"];
  role("agent", ...agent, "--executor", "process", "--simulate-gpus", "1");
  const tenant = async () => (await rest.ask("POST", "/tenants", { name: "team" }))?.text ?? "";
  await expect.poll(async () => (await tenant()).includes('"id"'), patience).toBe(true);
  const tenant_id = (JSON.parse(await tenant()) as { id: string }).id;
  const script = `echo $$ >> ${directory}/pids; while true; do sleep 0.1; done`;
  const id = await rest.submit({ tenant_id, name: "job", gpu_count: 1, script });
  await rest.jobWhen(id, ({ state }) => state === "running");
  await expect.poll(remembered, patience).toBeGreaterThan(3);
  expect(await controller.stop()).toBe(0);
  const head = await headInEtcd();
  await etcd.client.txn({ compare: [], success: [put(HEAD, JSON.stringify({ ...head, revision: 1 }))], failure: [] });

  const refused = startController();
  expect(await refused.untilEnded(), refused.output()).toBe(REGRESSED);
  const [, mark = ""] = /--accept-state-loss (\d+:\d+)/.exec(refused.output()) ?? [];
  startController("--accept-state-loss", mark);
  await expect.poll(remembered, patience).toBeGreaterThan(1_000_000);
  await rest.jobWhen(id, ({ state, attempt }) => state === "running" && attempt === 1);
  const pids = readFileSync(join(directory, "pids"), "utf8").trim().split("\n");
  expect(pids.map((pid) => existsSync(`/proc/${pid}`))).toEqual([true]);
});
