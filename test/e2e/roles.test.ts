/** A controller, a gateway and two agents as processes of their own: a gang across the nodes, and each of them killed under it. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { killJobs } from "../support/dev-process.ts";
import { freePort } from "../support/free-port.ts";
import { RestClient } from "../support/rest-client.ts";
import { type RoleProcess, startRole } from "../support/role-process.ts";

const NODES = ["node-a", "node-b"];
const GPUS_PER_NODE = 2;
const RANKS = [0, 1];
const patience = { timeout: 60_000, interval: 50 };

/** Tells where it is, then counts until the file `go` is there: who looks can see that it goes on. */
const SCRIPT = `
echo start >> "$DIR/starts-$RANK"
echo "rank $RANK node-rank $NODE_RANK world $WORLD_SIZE nodes $NNODES per-node $NPROC_PER_NODE"
echo "master $MASTER_ADDR:$MASTER_PORT"
echo "on $GPUSCHED_NODE_NAME with $CUDA_VISIBLE_DEVICES attempt $GPUSCHED_ATTEMPT"
while [ ! -e "$DIR/go" ]; do printf . >> "$DIR/ticks-$RANK"; sleep 0.05; done
echo done
`;

let services: ServiceStack;
let directory: string;
let jobsDir: string;
let grpc: string;
let rest: RestClient;

beforeEach(async () => {
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-roles-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  for (const node of NODES) services.add({ close: () => killJobs(join(directory, node)) });
  jobsDir = join(directory, "jobs");
  await mkdir(jobsDir);
  grpc = `127.0.0.1:${await freePort()}`;
});

afterEach(() => services.close());

const role = (...args: string[]) => services.add(startRole(...args));

async function startController(): Promise<RoleProcess> {
  const dataDir = join(directory, "controller");
  const controller = role("controller", "--listen", grpc, "--data-dir", dataDir);
  await controller.untilLogged("the controller leads");
  return controller;
}

async function startGateway(): Promise<RoleProcess> {
  const gateway = role("gateway", "--listen", "127.0.0.1:0", "--controllers", grpc);
  const { address } = await gateway.untilLogged("gateway listens");
  rest = new RestClient(`http://${String(address)}`);
  return gateway;
}

function startAgent(node: string): RoleProcess {
  const dataDir = join(directory, node, "agent");
  const gpus = ["--simulate-gpus", String(GPUS_PER_NODE)];
  return role(
    "agent",
    "--controllers",
    grpc,
    "--node-name",
    node,
    "--data-dir",
    dataDir,
    "--executor",
    "process",
    "--heartbeat",
    "200ms",
    ...gpus,
  );
}

async function startAll(): Promise<{ controller: RoleProcess; gateway: RoleProcess; agents: RoleProcess[] }> {
  const agents = NODES.map(startAgent);
  const controller = await startController();
  const gateway = await startGateway();
  await expect.poll(status, patience).toMatchObject({ online_nodes: 2, total_gpus: 4 });
  return { controller, gateway, agents };
}

const status = async () => {
  const answer = await rest.ask("GET", "/cluster/status");
  return answer?.status === 200 ? (JSON.parse(answer.text) as Record<string, unknown>) : undefined;
};

/** A job that has both nodes, once all of its ranks run. */
async function runningGang(): Promise<string> {
  const { id: tenant_id } = await rest.json<{ id: string }>("POST", "/tenants", { name: "team" });
  const gang = { gpu_count: 4, gang_scheduling: true, gpus_per_node: GPUS_PER_NODE };
  const job = { tenant_id, name: "gang", ...gang, script: SCRIPT, environment: { DIR: jobsDir } };
  const id = await rest.submit(job);
  await rest.jobWhen(id, ({ state }) => state === "running");
  await expectToGoOn();
  return id;
}

/** Every rank counts on from where it is now. */
async function expectToGoOn(): Promise<void> {
  for (const rank of RANKS) {
    const before = ticks(rank);
    await expect.poll(() => ticks(rank), patience).toBeGreaterThan(before);
  }
}

function ticks(rank: number): number {
  const path = join(jobsDir, `ticks-${rank}`);
  return existsSync(path) ? readFileSync(path).length : 0;
}

/** It runs where it ran, and has never been started again. */
async function expectAdopted(id: string): Promise<void> {
  await expect.poll(status, patience).toMatchObject({ online_nodes: 2, running_jobs: 1, available_gpus: 0 });
  const job = await rest.jobWhen(id, ({ state, message }) => state === "running" && message === "");
  expect(job.attempt).toBe(1);
  await expectToGoOn();
}

async function expectToComplete(id: string): Promise<void> {
  await mkdir(join(jobsDir, "go"));
  const job = await rest.jobWhen(id, ({ phase }) => phase === "finished");
  expect(job).toMatchObject({ state: "completed", exit_code: 0, attempt: 1 });
  for (const rank of RANKS) {
    expect(readFileSync(join(jobsDir, `starts-${rank}`), "utf8")).toBe("start\n");
    // A node that has just come back may offer its output a little later than itself.
    const output = async () => (await rest.ask("GET", `/jobs/${id}/logs?rank=${rank}`))?.text;
    await expect.poll(output, patience).toMatch(/\ndone\n$/);
  }
  await expect.poll(status, patience).toMatchObject({ running_jobs: 0, available_gpus: 4 });
}

test("the ranks of a gang find each other by their environment, each on its own node", async () => {
  await startAll();
  const id = await runningGang();
  await mkdir(join(jobsDir, "go"));
  const logs = await Promise.all(RANKS.map((rank) => rest.text("GET", `/jobs/${id}/logs?rank=${rank}&follow=true`)));
  const masters = logs.map((log) => /^master (127\.0\.0\.1:\d+)$/m.exec(log)?.[1]);
  expect(masters[0]).toBeDefined();
  expect(masters[1]).toBe(masters[0]);
  for (const rank of RANKS) {
    expect(logs[rank]).toContain(`rank ${rank} node-rank ${rank} world 4 nodes 2 per-node 2\n`);
    expect(logs[rank]).toContain(`on ${NODES[rank]} with gpu-1,gpu-2 attempt 1\n`);
    expect(logs[rank]).toMatch(/\ndone\n$/);
  }
  expect(await rest.jobWhen(id, ({ phase }) => phase === "finished")).toMatchObject({ state: "completed" });
});

test("while there is no controller the gateway says so and jobs go on; the next one adopts them", async () => {
  const { controller } = await startAll();
  const id = await runningGang();
  await controller.kill();
  for (const [method, path] of [
    ["GET", `/jobs/${id}`],
    ["DELETE", `/jobs/${id}`],
    ["GET", "/ready"],
  ] as const) {
    const answer = await rest.ask(method, path);
    expect(answer?.status).toBe(503);
    expect(Number(answer?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(answer?.text).not.toContain(grpc);
  }
  expect((await rest.ask("GET", "/health"))?.status).toBe(200);
  await expectToGoOn();
  await startController();
  await expectAdopted(id);
  expect(await status()).toMatchObject({ term: 2 });
  await expectToComplete(id);
});

test("an agent that is killed and starts again adopts its rank of a gang", async () => {
  const { agents } = await startAll();
  const id = await runningGang();
  await agents[1]?.kill();
  await expectToGoOn();
  startAgent("node-b");
  await expectAdopted(id);
  await expectToComplete(id);
});

test("when all of them are killed at once and start again, the job has noticed nothing", async () => {
  const { controller, gateway, agents } = await startAll();
  const id = await runningGang();
  await Promise.all([controller, gateway, ...agents].map((each) => each.kill()));
  await expectToGoOn();
  await startAll();
  await expectAdopted(id);
  await expectToComplete(id);
});
