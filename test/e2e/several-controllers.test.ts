/** Three controllers on three members of etcd, as processes of their own: each way to lose the leader, under a job that counts. */
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { ServiceStack } from "../../base/service.ts";
import { CountingJob } from "../support/counting-job.ts";
import { killJobs } from "../support/dev-process.ts";
import { type EtcdCluster, skipWithoutEtcd, startEtcd } from "../support/etcd-cluster.ts";
import { freePort } from "../support/free-port.ts";
import { RestClient } from "../support/rest-client.ts";
import { type RoleProcess, startRole } from "../support/role-process.ts";

const patience = { timeout: 60_000, interval: 50 };
const ELECTION_TTL = "2s";

interface Status {
  readonly leader: string;
  readonly term: number;
  readonly store: string;
  readonly online_nodes: number;
}

let services: ServiceStack;
let directory: string;
let etcd: EtcdCluster;
let controllers: Map<string, RoleProcess>;
let rest: RestClient;
let counting: CountingJob;

beforeEach(async (context) => {
  skipWithoutEtcd(context);
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-several-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  services.add({ close: () => killJobs(directory) });
  await mkdir(join(directory, "job"));
  etcd = services.add(await startEtcd({ members: 3 }));
  controllers = new Map();
  for (let n = 0; n < 3; n += 1) startController(`127.0.0.1:${await freePort()}`);
  const addresses = [...controllers.keys()].join(",");
  const agent = ["--controllers", addresses, "--node-name", "node-1", "--data-dir", join(directory, "agent")];
  const host = ["--executor", "process", "--simulate-gpus", "2", "--heartbeat", "200ms"];
  services.add(startRole("agent", ...agent, ...host));
  const gateway = services.add(startRole("gateway", "--listen", "127.0.0.1:0", "--controllers", addresses));
  const { address } = await gateway.untilLogged("gateway listens");
  rest = new RestClient(`http://${String(address)}`);
  counting = new CountingJob(rest, join(directory, "job"), patience);
  await expect.poll(status, patience).toMatchObject({ store: "etcd", online_nodes: 1 });
});

afterEach(() => services?.close());

function startController(address: string): void {
  const store = ["--etcd", etcd.endpoints.join(","), "--election-ttl", ELECTION_TTL, "--allow-old-etcd"];
  controllers.set(address, services.add(startRole("controller", "--listen", address, ...store)));
}

async function status(): Promise<Status | undefined> {
  const answer = await rest.ask("GET", "/cluster/status");
  return answer?.status === 200 ? (JSON.parse(answer.text) as Status) : undefined;
}

async function leader(): Promise<Status & { readonly process: RoleProcess }> {
  const known = present(await status(), "status");
  return { ...known, process: present(controllers.get(known.leader), "leader") };
}

/** Another one leads, with a later term, and the node is there. */
async function untilAnotherLeads({ leader: before, term }: Status): Promise<void> {
  const hasChanged = async () => {
    const now = await status();
    return now !== undefined && now.leader !== before && now.term > term && now.online_nodes === 1;
  };
  await expect.poll(hasChanged, patience).toBe(true);
}

test("a leader that is killed is followed by another, which knows all that was acknowledged", async () => {
  const { id } = await counting.start();
  const before = await leader();
  const { tenant_id } = (await rest.job(id)).spec;
  const last = await rest.submit({ tenant_id, name: "last words", gpu_count: 0, command: ["true"] });
  await before.process.kill();
  await untilAnotherLeads(before);
  expect(await rest.jobWhen(last, ({ phase }) => phase === "finished")).toMatchObject({ state: "completed" });
  await counting.expectUntouched(id);
});

test("a leader that is stopped in order hands over, and follows when it is back", async () => {
  const { id } = await counting.start();
  const before = await leader();
  expect(await before.process.stop()).toBe(0);
  await untilAnotherLeads(before);
  startController(before.leader);
  const between = await leader();
  await between.process.kill();
  await untilAnotherLeads(between);
  await counting.expectUntouched(id);
});

test("a leader that was away for longer than its lease does nothing more, and follows", async () => {
  const { id } = await counting.start();
  const before = await leader();
  process.kill(before.process.pid, "SIGSTOP");
  await untilAnotherLeads(before);
  process.kill(before.process.pid, "SIGCONT");
  await before.process.untilLogged("the term is over: this controller follows");
  const after = await leader();
  expect(after.leader).not.toBe(before.leader);
  // Whoever asks the old one is sent to the new one.
  const gateway = services.add(startRole("gateway", "--listen", "127.0.0.1:0", "--controllers", before.leader));
  const { address } = await gateway.untilLogged("gateway listens");
  expect(await new RestClient(`http://${String(address)}`).job(id)).toMatchObject({ state: "running", attempt: 1 });
  await counting.expectUntouched(id);
});

test("without a majority of etcd nothing is acknowledged, and jobs go on; with it, everything goes on", async () => {
  const { id } = await counting.start();
  const { tenant_id } = (await rest.job(id)).spec;
  const job = { tenant_id, name: "later", gpu_count: 0, command: ["true"] };
  const [one, two] = etcd.members;
  await one?.kill();
  // While etcd's own leader is found anew there may be none of ours.
  let withOne = "";
  const submit = async () => {
    const answer = await rest.ask("POST", "/jobs", job);
    if (answer?.status === 201) withOne = (JSON.parse(answer.text) as { job_id: string }).job_id;
    return withOne;
  };
  await expect.poll(submit, patience).not.toBe("");
  await two?.kill();
  await expect.poll(async () => (await rest.ask("POST", "/jobs", job))?.status, patience).toBe(503);
  const before = counting.ticks();
  await expect.poll(() => counting.ticks(), patience).toBeGreaterThan(before);
  one?.restart();
  two?.restart();
  await expect.poll(status, patience).toMatchObject({ online_nodes: 1 });
  expect(await rest.jobWhen(withOne, ({ phase }) => phase === "finished")).toMatchObject({ state: "completed" });
  await counting.expectUntouched(id);
});
