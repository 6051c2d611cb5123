/** What operators say of nodes with `gpusched node`, and what becomes of the jobs there. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { packageRoot } from "../../base/version.ts";
import { killJobs } from "../support/dev-process.ts";
import { freePort } from "../support/free-port.ts";
import { RestClient } from "../support/rest-client.ts";
import { type RoleProcess, startRole } from "../support/role-process.ts";

const NODES = ["node-a", "node-b"] as const;
const CONFLICT = 5;
const NOT_FOUND = 3;
const patience = { timeout: 60_000, interval: 50 };

let services: ServiceStack;
let directory: string;
let url: string;
let rest: RestClient;
let grpc: string;
let agents: Record<string, RoleProcess>;

beforeEach(async () => {
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-dead-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  for (const node of NODES) services.add({ close: () => killJobs(join(directory, node)) });
  grpc = `127.0.0.1:${await freePort()}`;
  const short = ["--node-unreachable-after", "2s"];
  role("controller", "--listen", grpc, "--data-dir", join(directory, "controller"), ...short);
  const gateway = role("gateway", "--listen", "127.0.0.1:0", "--controllers", grpc);
  url = `http://${String((await gateway.untilLogged("gateway listens")).address)}`;
  rest = new RestClient(url);
  agents = Object.fromEntries(NODES.map((node) => [node, startAgent(node)]));
  await expect.poll(nodesOnline, patience).toBe(2);
});
afterEach(() => services.close());

const role = (...args: string[]) => services.add(startRole(...args));

function startAgent(node: string): RoleProcess {
  const here = ["--node-name", node, "--data-dir", join(directory, node, "agent"), "--controllers", grpc];
  return role("agent", ...here, "--executor", "process", "--simulate-gpus", "1", "--heartbeat", "200ms");
}

/** Undefined while nobody leads. */
async function field(path: string, name: string): Promise<unknown> {
  const answer = await rest.ask("GET", path);
  return answer?.status === 200 ? (JSON.parse(answer.text) as Record<string, unknown>)[name] : undefined;
}

const nodesOnline = () => field("/cluster/status", "online_nodes");

function confirmDead(node: string, code: number): string {
  return say(code, "confirm-dead", node, "--by", "ann", "--reason", "it burns");
}

function say(code: number, ...word: string[]): string {
  const args = ["node", ...word];
  const env = { ...process.env, GPUSCHED_URL: url };
  const { status, stdout, stderr } = spawnSync(join(packageRoot, "bin/gpusched"), args, { encoding: "utf8", env });
  expect(status, stdout + stderr).toBe(code);
  return stdout + stderr;
}

/** Whether the process that wrote its number there still is. */
function isAlive(attempt: number): boolean {
  const file = join(directory, `pid-${attempt}`);
  return existsSync(file) && existsSync(`/proc/${readFileSync(file, "utf8").trim()}`);
}

test("the job of a host that is said to be dead goes on elsewhere, and is stopped there when the host comes back after all", async () => {
  const tenant_id = (await rest.json<{ id: string }>("POST", "/tenants", { name: "team" })).id;
  const script = `echo $$ > ${directory}/pid-$GPUSCHED_ATTEMPT; while true; do sleep 0.1; done`;
  const id = await rest.submit({ tenant_id, name: "waits", gpu_count: 1, script, on_node_lost: "wait" });
  const first = await rest.jobWhen(id, ({ state }) => state === "running" && isAlive(1));
  const dead = first.node_name;
  expect(confirmDead(dead, CONFLICT)).toContain("it may have been heard");
  expect(confirmDead("node-z", NOT_FOUND)).toContain("Node not found");

  // Only the agent is gone: the operator is wrong.
  await agents[dead]?.kill();
  await expect.poll(() => field(`/nodes/${dead}`, "state"), patience).toBe("unreachable");
  expect(confirmDead(dead, 0)).toContain(`node ${dead} is confirmed dead: 1 job had to leave it`);
  const second = await rest.jobWhen(id, ({ state, attempt }) => state === "running" && attempt === 2 && isAlive(2));
  expect(second.node_name).not.toBe(dead);
  expect(JSON.stringify(await field(`/jobs/${id}`, "history"))).toContain(
    `node ${dead} was confirmed dead by ann: it burns`,
  );
  expect(isAlive(1)).toBe(true);

  startAgent(dead);
  await expect.poll(() => isAlive(1), patience).toBe(false);
  await expect.poll(nodesOnline, patience).toBe(2);
  expect(await rest.jobWhen(id, ({ state }) => state === "running")).toMatchObject({ attempt: 2 });
  expect(isAlive(2)).toBe(true);
  expect(await field(`/nodes/${dead}`, "confirmed_dead")).toMatchObject({ by: "ann" });
});

test("a node that is drained lets its job go to another, takes none over a restart of its agent, and does again uncordoned", async () => {
  const tenant_id = (await rest.json<{ id: string }>("POST", "/tenants", { name: "team" })).id;
  const script = `echo $$ > ${directory}/pid-$GPUSCHED_ATTEMPT; while true; do sleep 0.1; done`;
  const id = await rest.submit({ tenant_id, name: "moves", gpu_count: 1, script });
  const { node_name: first } = await rest.jobWhen(id, ({ state }) => state === "running" && isAlive(1));
  expect(say(0, "drain", first, "--deadline", "0s", "--by", "ann", "--reason", "a new fan")).toBe(
    `node ${first} is being drained: 1 job still on it\n`,
  );
  const second = await rest.jobWhen(id, ({ state, attempt }) => state === "running" && attempt === 2 && isAlive(2));
  expect(second.node_name).not.toBe(first);
  expect(isAlive(1)).toBe(false);
  expect(JSON.stringify(await field(`/jobs/${id}`, "history"))).toContain(`node ${first} is drained by ann: a new fan`);

  await agents[first]?.kill();
  startAgent(first);
  await expect.poll(() => field(`/nodes/${first}`, "message"), patience).toBe("drained by ann: a new fan");
  const next = await rest.submit({ tenant_id, name: "waits", gpu_count: 1, script: "true" });
  expect(JSON.stringify(await rest.json("GET", `/jobs/${next}/explain`))).toContain("is cordoned");
  expect(say(0, "uncordon", first)).toBe(`node ${first} takes jobs again: 0 jobs on it\n`);
  const done = await rest.jobWhen(next, ({ phase }) => phase === "finished");
  expect(done).toMatchObject({ state: "completed", node_name: first });
  expect(say(NOT_FOUND, "cordon", "node-z")).toContain("Node not found");
});

test("a GPU that is quarantined gets no job over a restart of its agent, is named to who waits, and is given out when it is released", async () => {
  const tenant_id = (await rest.json<{ id: string }>("POST", "/tenants", { name: "team" })).id;
  const gpus = NODES.map((node) => [node, "gpu-1"] as const);
  for (const [node, gpu] of gpus) {
    expect(say(0, "quarantine", node, gpu, "--by", "ann", "--reason", "its fan")).toBe(
      `device ${gpu} of node ${node} is quarantined: 0 jobs on it\n`,
    );
  }
  const [first] = NODES;
  await agents[first]?.kill();
  startAgent(first);
  await expect.poll(nodesOnline, patience).toBe(NODES.length);
  const waits = await rest.submit({ tenant_id, name: "waits", gpu_count: 1, script: "true" });
  const explanation = JSON.stringify(await rest.json("GET", `/jobs/${waits}/explain`));
  expect(explanation).toContain("1 is withheld: gpu-1 is quarantined by ann: its fan");
  const [device] = (await rest.json<{ devices: object[] }>("GET", `/nodes/${first}`)).devices;
  expect(device).toMatchObject({ health: "quarantined", health_owner: "ann", health_reason: "its fan" });
  expect(say(0, "release", first, "gpu-1")).toBe(`device gpu-1 of node ${first} is given out again: 0 jobs on it\n`);
  const done = await rest.jobWhen(waits, ({ phase }) => phase === "finished");
  expect(done).toMatchObject({ state: "completed", node_name: first });
  expect(say(NOT_FOUND, "release", first, "gpu-9")).toContain("Device not found");
});
