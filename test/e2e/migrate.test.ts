/** The state of a cluster moves from a file into etcd and back, while a job runs that must not notice. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import { packageRoot } from "../../base/version.ts";
import { put, removeAll } from "../../controller/store/etcd/requests.ts";
import { openSqliteStore } from "../../controller/store/sqlite/sqlite-store.ts";
import { killJobs } from "../support/dev-process.ts";
import { type EtcdCluster, skipWithoutEtcd, startEtcd } from "../support/etcd-cluster.ts";
import { freePort } from "../support/free-port.ts";
import { RestClient } from "../support/rest-client.ts";
import { type RoleProcess, startRole } from "../support/role-process.ts";

const FAILURE = 1;
const patience = { timeout: 60_000, interval: 50 };
const PREFIX = "gpusched/";

interface Status {
  readonly term: number;
  readonly store: string;
  readonly online_nodes: number;
}

let services: ServiceStack;
let directory: string;
let etcd: EtcdCluster;
let grpc: string;
let rest: RestClient;

beforeEach(async (context) => {
  skipWithoutEtcd(context);
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-migrate-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  services.add({ close: () => killJobs(directory) });
  etcd = services.add(await startEtcd({ members: 1 }));
  grpc = `127.0.0.1:${await freePort()}`;
  const agent = ["--controllers", grpc, "--node-name", "node-1", "--data-dir", at("agent"), "--heartbeat", "200ms"];
  role("agent", ...agent, "--executor", "process", "--simulate-gpus", "2");
  const gateway = role("gateway", "--listen", "127.0.0.1:0", "--controllers", grpc);
  rest = new RestClient(`http://${String((await gateway.untilLogged("gateway listens")).address)}`);
});
afterEach(() => services?.close());

const at = (...path: string[]) => join(directory, ...path);
const role = (...args: string[]) => services.add(startRole(...args));
const onFile = (dataDir: string) => role("controller", "--listen", grpc, "--data-dir", dataDir);
const onEtcd = () =>
  role(
    "controller",
    "--listen",
    grpc,
    "--etcd",
    `http://${etcd.endpoints[0]}`,
    "--election-ttl",
    "2s",
    "--allow-old-etcd",
  );

function migrate(code: number, ...args: string[]): string {
  const run = spawnSync(join(packageRoot, "bin/gpusched"), ["migrate", ...args], { encoding: "utf8" });
  expect(run.status, run.stdout + run.stderr).toBe(code);
  return run.stdout + run.stderr;
}

const toEtcd = (code: number, from: string) => migrate(code, "--from", from, "--to-etcd", etcd.endpoints[0] ?? "");
const fromEtcd = (code: number, to: string) => migrate(code, "--from-etcd", etcd.endpoints[0] ?? "", "--to", to);

async function statusOn(store: string): Promise<Status> {
  const status = async () => {
    const answer = await rest.ask("GET", "/cluster/status");
    return answer?.status === 200 ? (JSON.parse(answer.text) as Status) : undefined;
  };
  await expect.poll(status, patience).toMatchObject({ store, online_nodes: 1 });
  return (await status()) ?? expect.unreachable();
}

/** What the agent was told with its last heartbeat. */
function remembered(): Record<string, unknown> {
  return JSON.parse(readFileSync(at("agent", "agent.json"), "utf8")) as Record<string, unknown>;
}

/** A job that goes on until the file `go` is there, and notes each start of it. */
async function submitJob(): Promise<string> {
  await statusOn("sqlite");
  const tenant_id = (await rest.json<{ id: string }>("POST", "/tenants", { name: "team" })).id;
  const script = `echo start >> ${at("starts")}; while [ ! -e ${at("go")} ]; do sleep 0.05; done`;
  const id = await rest.submit({ tenant_id, name: "job", gpu_count: 1, script });
  await rest.jobWhen(id, ({ state }) => state === "running" && existsSync(at("starts")));
  return id;
}

async function stop(controller: RoleProcess): Promise<void> {
  expect(await controller.stop(), controller.output()).toBe(0);
}

test("a running job stays as it is while its cluster moves from a file into etcd, and into another file", async () => {
  const [first, second] = [at("first"), at("second")];
  // Terms that etcd has not come to.
  for (let n = 0; n < 12; n += 1) {
    const store = await openSqliteStore({ dataDir: first, log: silentLogger, owner: { address: "test" } });
    await store.close();
  }
  const controller = onFile(first);
  const id = await submitJob();
  const before = await statusOn("sqlite");
  const { clusterId } = remembered();
  expect(toEtcd(FAILURE, first)).toContain("is held by another controller");
  expect(fromEtcd(FAILURE, second)).toContain("there is no store in etcd");
  await stop(controller);
  expect(toEtcd(0, first)).toMatch(/^moved revision \d+ of cluster .*, 1 job, into etcd below gpusched\//);
  expect(toEtcd(FAILURE, first)).toContain("was moved to etcd");
  expect(await onFile(first).untilEnded()).toBe(FAILURE);

  const replicated = onEtcd();
  const during = await statusOn("etcd");
  expect(during.term).toBeGreaterThan(before.term);
  await rest.jobWhen(id, ({ state, attempt }) => state === "running" && attempt === 1);
  expect(fromEtcd(FAILURE, second)).toContain("stop all controllers first");
  await stop(replicated);
  expect(fromEtcd(FAILURE, first)).toContain("there is a store in");
  expect(fromEtcd(0, second)).toContain(`, 1 job, into ${second}`);
  const refused = onEtcd();
  expect(await refused.untilEnded()).toBe(FAILURE);
  expect(refused.output()).toContain("was moved to the data directory");

  onFile(second);
  const after = await statusOn("sqlite");
  expect(after.term).toBeGreaterThan(during.term);
  await rest.jobWhen(id, ({ state, attempt }) => state === "running" && attempt === 1);
  expect(remembered().clusterId).toBe(clusterId);
  await writeFile(at("go"), "");
  expect(await rest.jobWhen(id, ({ state }) => state === "completed")).toMatchObject({ exit_code: 0, attempt: 1 });
  expect(readFileSync(at("starts"), "utf8")).toBe("start\n");
});

test("what an interrupted migration has left is refused, and its source can be used", async () => {
  const dataDir = at("first");
  const controller = onFile(dataDir);
  const id = await submitJob();
  await stop(controller);
  // As when it ends after its first rows: they are there, and what says that it is not done.
  await etcd.client.txn({
    compare: [],
    success: [put(`${PREFIX}moving`, "{}"), put(`${PREFIX}row/job/${id}`, "{}")],
    failure: [],
  });
  expect(toEtcd(FAILURE, dataDir)).toContain("was not finished");
  const refused = onEtcd();
  expect(await refused.untilEnded()).toBe(FAILURE);
  expect(refused.output()).toContain("etcdctl del --prefix gpusched/");
  const again = onFile(dataDir);
  await statusOn("sqlite");
  await stop(again);
  await etcd.client.txn({ compare: [], success: [removeAll(PREFIX)], failure: [] });
  toEtcd(0, dataDir);

  // As when the way back ends before the database is whole.
  const half = at("half");
  await mkdir(half);
  await cp(join(dataDir, "cluster.json"), join(half, "cluster.json"));
  expect(fromEtcd(FAILURE, half)).toContain("there is a store in");
  const stopped = onFile(half);
  expect(await stopped.untilEnded()).toBe(FAILURE);
  expect(stopped.output()).toContain("is missing");
  onEtcd();
  await statusOn("etcd");
  await rest.jobWhen(id, ({ state, attempt }) => state === "running" && attempt === 1);
});
