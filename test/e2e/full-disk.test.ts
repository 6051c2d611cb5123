/** A controller whose disk fills up: no new jobs, but everything else goes on, and once there is room they are taken again. */
import { existsSync, statSync } from "node:fs";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { killJobs } from "../support/dev-process.ts";
import { freePort } from "../support/free-port.ts";
import { type Answer, RestClient } from "../support/rest-client.ts";
import { type RoleProcess, startRole } from "../support/role-process.ts";
import { SmallDisk, skipWithoutSmallDisk } from "../support/small-disk.ts";

const RESERVE_BYTES = 64 * 1024 * 1024;
/** The reserve, what must be free beside it, and a little. */
const DISK_MB = 100;
const patience = { timeout: 60_000, interval: 50 };
const COMMENT = `# ${"x".repeat(60_000)}\n`;

let services: ServiceStack;
let directory: string;
let disk: SmallDisk;
let controller: RoleProcess;
let rest: RestClient;

beforeEach(async (context) => {
  skipWithoutSmallDisk(context);
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-full-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  services.add({ close: () => killJobs(directory) });
  disk = services.add(new SmallDisk(DISK_MB));
  const grpc = `127.0.0.1:${await freePort()}`;
  const archive = ["--archive", join(directory, "archive")];
  controller = role("controller", "--listen", grpc, "--data-dir", join(disk.directory, "data"), ...archive);
  const gateway = role("gateway", "--listen", "127.0.0.1:0", "--controllers", grpc, "--rate-limit", "100000");
  rest = new RestClient(`http://${String((await gateway.untilLogged("gateway listens")).address)}`);
  const agent = ["--controllers", grpc, "--data-dir", join(directory, "agent"), "--heartbeat", "200ms"];
  role("agent", ...agent, "--executor", "process", "--simulate-gpus", "2");
  await expect.poll(nodesOnline, patience).toBe(1);
});
afterEach(() => services?.close());

const role = (...args: string[]) => services.add(startRole(...args));

async function nodesOnline(): Promise<unknown> {
  const answer = await rest.ask("GET", "/cluster/status");
  return answer?.status === 200 ? (JSON.parse(answer.text) as { online_nodes: number }).online_nodes : undefined;
}

function hasReserve(): boolean {
  const path = join(disk.directory, "data", "reserve");
  return existsSync(path) && statSync(path).size === RESERVE_BYTES;
}

test("while the disk is full submissions are refused, and jobs run, end and are cancelled", async () => {
  await expect.poll(hasReserve, patience).toBe(true);
  const tenant_id = (await rest.json<{ id: string }>("POST", "/tenants", { name: "team" })).id;
  const go = join(directory, "go");
  const wait = `while [ ! -e ${go} ]; do sleep 0.05; done`;
  const job = (script: string) => ({ tenant_id, name: "job", gpu_count: 1, script });
  const ends = await rest.submit(job(wait));
  const cancelled = await rest.submit(job(wait));
  for (const id of [ends, cancelled]) await rest.jobWhen(id, ({ state }) => state === "running");

  disk.fill();
  const taken: string[] = [];
  const submit = async (): Promise<Answer | undefined> => {
    const answer = await rest.ask("POST", "/jobs", job(COMMENT + wait));
    if (answer?.status === 201) taken.push((JSON.parse(answer.text) as { job_id: string }).job_id);
    return answer;
  };
  await expect.poll(async () => (await submit())?.status, { ...patience, interval: 0 }).toBe(507);
  expect((await submit())?.text).toContain("The disk of the scheduler is full, and no new jobs are taken");
  const batch = await rest.json<{ results: { status_code?: number }[] }>("POST", "/jobs/batch", {
    jobs: [job("true")],
  });
  expect(batch.results).toMatchObject([{ status_code: 507 }]);
  expect((await rest.ask("POST", "/tenants", { name: "other" }))?.status).toBe(507);

  expect((await rest.ask("DELETE", `/jobs/${cancelled}`))?.status).toBe(200);
  await rest.jobWhen(cancelled, ({ phase, state }) => phase === "finished" && state === "cancelled");
  await writeFile(go, "");
  expect(await rest.jobWhen(ends, ({ state }) => state === "completed")).toMatchObject({ exit_code: 0 });
  for (const id of taken) await rest.jobWhen(id, ({ state }) => state === "completed");
  expect((await submit())?.status).toBe(507);

  disk.empty();
  await expect.poll(async () => (await submit())?.status, patience).toBe(201);
  expect(hasReserve()).toBe(true);
  const { leader } = await rest.json<{ leader: string }>("GET", "/cluster/status");
  expect([leader !== "", controller.output().includes("the disk has room again")]).toEqual([true, true]);
  expect(controller.output().match(/the controller leads/g)).toHaveLength(1);
  const all = new Set((await rest.allJobs()).map(({ id }) => id));
  expect([ends, cancelled, ...taken].filter((id) => !all.has(id))).toEqual([]);
});
