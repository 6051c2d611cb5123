/** An agent that stands still beyond its lease: its guard ends the job before it is started elsewhere. */
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { ServiceStack } from "../../base/service.ts";
import { freePort } from "../support/free-port.ts";
import { RestClient } from "../support/rest-client.ts";
import { type RoleProcess, startRole } from "../support/role-process.ts";

const patience = { timeout: 120_000, interval: 100 };
const NODES = ["node-1", "node-2", "node-3"];
/** Each attempt says when it begins, and goes on saying that it runs, by the host's clock. */
const SCRIPT = `
now() { cut -d' ' -f1 /proc/uptime; }
echo "$GPUSCHED_ATTEMPT $(now)" >> "$DIR/starts"
while [ ! -e "$DIR/go" ]; do now > "$DIR/last-$GPUSCHED_ATTEMPT"; sleep 0.02; done
`;

let services: ServiceStack;
let directory: string;
let agents: Map<string, RoleProcess>;
let guards: Map<string, RoleProcess>;
let rest: RestClient;

beforeEach(async () => {
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-guard-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  await mkdir(join(directory, "job"));
  services.add({ close: () => mkdir(join(directory, "job", "go"), { recursive: true }).then(() => undefined) });
  const controllers = `127.0.0.1:${await freePort()}`;
  const lost = ["--node-unreachable-after", "10s", "--node-lost-after", "30s"];
  services.add(startRole("controller", "--listen", controllers, "--data-dir", join(directory, "controller"), ...lost));
  agents = new Map();
  guards = new Map();
  for (const name of NODES) {
    const host = ["--data-dir", join(directory, name), "--executor", "process"];
    guards.set(name, services.add(startRole("guard", ...host)));
    const where = ["--controllers", controllers, "--node-name", name, "--simulate-gpus", "1"];
    agents.set(name, services.add(startRole("agent", ...where, ...host)));
  }
  const gateway = services.add(startRole("gateway", "--listen", "127.0.0.1:0", "--controllers", controllers));
  const { address } = await gateway.untilLogged("gateway listens");
  rest = new RestClient(`http://${String(address)}`);
});

afterEach(() => services?.close());

const numbersIn = (name: string): number[] =>
  readFileSync(join(directory, "job", name), "utf8")
    .trim()
    .split(/\s+/)
    .map(Number);

test("a job whose agent stands still is killed by the guard before it starts on another node, and told as the node's fault", async () => {
  const isOnline = async () => {
    const { nodes } = await rest.json<{ nodes: readonly { state: string }[] }>("GET", "/nodes");
    return nodes.filter(({ state }) => state === "online").length;
  };
  await expect.poll(isOnline, patience).toBe(NODES.length);
  const { id: tenant_id } = await rest.json<{ id: string }>("POST", "/tenants", { name: "team" });
  const environment = { DIR: join(directory, "job") };
  const job = { tenant_id, name: "counts", gpu_count: 1, script: SCRIPT, environment, on_node_lost: "requeue" };
  const id = await rest.submit(job);
  const { node_name: first } = await rest.jobWhen(id, ({ state }) => state === "running");

  const agent = present(agents.get(first), "agent");
  process.kill(agent.pid, "SIGSTOP");
  await present(guards.get(first), "guard").untilLogged("killing a job that its agent should have stopped");
  const second = await rest.jobWhen(id, ({ attempt, state }) => attempt === 2 && state === "running");
  expect(second.node_name).not.toBe(first);
  await expect.poll(() => numbersIn("starts"), patience).toHaveLength(4);
  const [, , , begunAt = 0] = numbersIn("starts");
  const [lastSeenAt = Number.POSITIVE_INFINITY] = numbersIn("last-1");
  expect(lastSeenAt).toBeLessThan(begunAt);

  process.kill(agent.pid, "SIGCONT");
  await expect.poll(isOnline, patience).toBe(NODES.length);
  await mkdir(join(directory, "job", "go"));
  const over = await rest.jobWhen(id, ({ phase }) => phase === "finished");
  expect(over).toMatchObject({ state: "completed", attempt: 2 });
  for (const guard of guards.values()) if (guard !== guards.get(first)) expect(guard.output()).not.toContain("killing");
});
