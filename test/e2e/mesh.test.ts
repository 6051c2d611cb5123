/** Three agents that know each other, as processes of their own: one that is cut off is relayed, and without controllers all of them go on. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { ServiceStack } from "../../base/service.ts";
import { CountingJob } from "../support/counting-job.ts";
import { killJobs } from "../support/dev-process.ts";
import { freePort } from "../support/free-port.ts";
import { PickyProxy } from "../support/picky-proxy.ts";
import { RestClient } from "../support/rest-client.ts";
import { type RoleProcess, startRole } from "../support/role-process.ts";

const patience = { timeout: 200_000, interval: 100 };
/** Long enough that a slow machine misses none of the mesh's times, each of them a sixth of it. */
const LOST_AFTER = "60s";
const NODES = ["node-1", "node-2", "node-3"];

let services: ServiceStack;
let directory: string;
let port: number;
let controller: RoleProcess;
let proxy: PickyProxy;
let agents: Map<string, RoleProcess>;
let rest: RestClient;
let counting: CountingJob;

beforeEach(async () => {
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-mesh-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  services.add({ close: () => killJobs(directory) });
  await mkdir(join(directory, "job"));
  port = await freePort();
  agents = new Map();
  const pids = () => [...agents.values()].map(({ pid }) => pid);
  proxy = services.add(await PickyProxy.start(() => port, pids));
  startController();
  for (const name of NODES) {
    const where = ["--controllers", proxy.address, "--node-name", name, "--data-dir", join(directory, name)];
    const host = ["--executor", "process", "--simulate-gpus", "1", "--peer-listen", "127.0.0.1:0"];
    agents.set(name, services.add(startRole("agent", ...where, ...host)));
  }
  const gateway = services.add(startRole("gateway", "--listen", "127.0.0.1:0", "--controllers", `127.0.0.1:${port}`));
  const { address } = await gateway.untilLogged("gateway listens");
  rest = new RestClient(`http://${String(address)}`);
  counting = new CountingJob(rest, join(directory, "job"), patience);
  await expect.poll(membershipOnDisks, patience).toEqual([3, 3, 3]);
});

afterEach(() => services?.close());

function startController(): void {
  const data = ["--data-dir", join(directory, "controller"), "--advertise", proxy.address];
  const listen = ["--listen", `127.0.0.1:${port}`, "--node-lost-after", LOST_AFTER];
  controller = services.add(startRole("controller", ...listen, ...data));
}

/** How many members each agent's disk knows. */
function membershipOnDisks(): number[] {
  return NODES.map((name) => {
    const path = join(directory, name, "agent.json");
    if (!existsSync(path)) return 0;
    const { membership } = JSON.parse(readFileSync(path, "utf8")) as { membership?: { members: readonly unknown[] } };
    return membership?.members.length ?? 0;
  });
}

test("an agent that is cut off from the controllers is relayed by a peer, and comes back by itself", async () => {
  const { id, node } = await counting.start({ on_node_lost: "requeue" });
  const agent = present(agents.get(node), "agent");
  proxy.refuse(agent.pid);
  await agent.untilLogged("connected to the controller by way of a peer");
  const nodeNow = () => rest.json<{ state: string; lives_by: string }>("GET", `/nodes/${node}`);
  await expect.poll(nodeNow, patience).toMatchObject({ state: "online", lives_by: "peers", lives_by_reason: "" });
  // Its output too, for as long as it is relayed.
  const output = async () => (await rest.ask("GET", `/jobs/${id}/logs`))?.text;
  await expect.poll(output, patience).toContain("counting");
  await counting.expectUntouched(id);
  proxy.admit(agent.pid);
  await expect
    .poll(() => agent.output().split("the controller is reached without the peer again").length, patience)
    .toBe(2);
});

test("without any controller jobs go on beyond their lease, and one that comes back finds them", async () => {
  const { id, node } = await counting.start({ on_node_lost: "requeue" });
  await controller.kill();
  await present(agents.get(node), "agent").untilLogged(
    "no leader answers, and most peers hear none: jobs go on beyond the lease",
  );
  startController();
  await controller.untilLogged("the controller leads");
  await expect.poll(async () => (await rest.ask("GET", `/jobs/${id}`))?.status, patience).toBe(200);
  await counting.expectUntouched(id);
});
