/** A store that is backed up while it is used, and put back when more has happened since: nothing is stopped, and a person decides. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { packageRoot } from "../../base/version.ts";
import { type DevProcess, killJobs, startDev } from "../support/dev-process.ts";
import { RestClient } from "../support/rest-client.ts";
import { startRole } from "../support/role-process.ts";

const FAILURE = 1;
const REGRESSED = 69;
const FLAGS = ["--executor", "process", "--simulate-gpus", "3", "--heartbeat", "200ms"];

let services: ServiceStack;
let directory: string;
let dataDir: string;
let controllerDir: string;

beforeEach(async () => {
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-backup-")));
  dataDir = join(directory, "data");
  controllerDir = join(dataDir, "controller");
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
  services.add({ close: () => killJobs(dataDir) });
});
afterEach(() => services.close());

const start = async (...flags: string[]): Promise<DevProcess> =>
  services.add(await startDev({ dataDir, flags: [...FLAGS, ...flags] }));

/** What a command that ends by itself printed; throws unless it ends with the code. */
function command(code: number, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(join(packageRoot, "bin/gpusched"), args, { encoding: "utf8" });
  expect(status, stderr).toBe(code);
  return stdout + stderr;
}

/** A job that runs until it is killed, and the file in which it says as what. */
async function runningJob(rest: RestClient, name: string): Promise<{ id: string; pidFile: string }> {
  const pidFile = join(directory, `${name}.pid`);
  const script = `echo $$ > ${pidFile}; while true; do sleep 1; done`;
  const id = await rest.submit({ tenant_id: "tenant-123", name, gpu_count: 1, script });
  await rest.jobWhen(id, ({ state }) => state === "running" && existsSync(pidFile));
  return { id, pidFile };
}

/** What the agent was told with its last heartbeat. */
function rememberedRevision(): number {
  const memory = JSON.parse(readFileSync(join(dataDir, "agent", "agent.json"), "utf8")) as { revision?: number };
  return memory.revision ?? 0;
}

function isAlive(pidFile: string): boolean {
  return existsSync(`/proc/${readFileSync(pidFile, "utf8").trim()}`);
}

function restoreOlder(backup: string): void {
  rmSync(controllerDir, { recursive: true });
  expect(command(0, "restore", backup, "--data-dir", controllerDir)).toMatch(/^restored revision \d+ of term 1 /);
}

test("an older backup is put back: the controller says so and stops nothing, and goes on once that is accepted", async () => {
  const backup = join(directory, "backup.db");
  const dev = await start();
  const rest = new RestClient(dev.url);
  const before = await runningJob(rest, "before");
  const told = command(0, "backup", backup, "--data-dir", controllerDir);
  expect(told).toMatch(/^backed up revision \d+ .*, 1 job, /);
  expect(statSync(backup).mode & 0o777).toBe(0o600);
  const since = await runningJob(rest, "since");
  const [, saved] = /revision (\d+)/.exec(told) ?? [];
  await expect.poll(rememberedRevision, { timeout: 20_000 }).toBeGreaterThan(Number(saved));
  await dev.kill();
  restoreOlder(backup);

  const refused = services.add(
    startRole("dev", "--data-dir", dataDir, "--http-port", "0", "--grpc-port", "0", ...FLAGS),
  );
  expect(await refused.untilEnded(), refused.output()).toBe(REGRESSED);
  expect(refused.output()).toContain("is older than what its agents remember");
  expect([isAlive(before.pidFile), isAlive(since.pidFile)]).toEqual([true, true]);
  const [, mark = ""] = /--accept-state-loss (\d+:\d+)/.exec(refused.output()) ?? [];

  const again = await start("--accept-state-loss", mark);
  const after = new RestClient(again.url);
  expect(await after.jobWhen(before.id, ({ state }) => state === "running")).toMatchObject({ attempt: 1 });
  expect((await after.ask("GET", `/jobs/${since.id}`))?.status).toBe(404);
  expect([isAlive(before.pidFile), isAlive(since.pidFile)]).toEqual([true, true]);
  // The one GPU is free that neither of them has.
  const next = await runningJob(after, "next");
  expect(isAlive(next.pidFile)).toBe(true);
  await again.kill();
  // The flag has done its work.
  const last = new RestClient((await start()).url);
  await last.jobWhen(next.id, ({ state }) => state === "running");
  expect([before, since, next].map(({ pidFile }) => isAlive(pidFile))).toEqual([true, true, true]);
});

test("an agent that works for another cluster is turned away, and its jobs go on", async () => {
  const dev = await start();
  const job = await runningJob(new RestClient(dev.url), "before");
  await dev.kill();
  rmSync(controllerDir, { recursive: true });
  const other = await start();
  await expect.poll(() => other.output(), { timeout: 20_000 }).toContain("nothing was stopped");
  expect(isAlive(job.pidFile)).toBe(true);
});

test("a backup replaces no file, and is put into no directory in use nor where a store is, nor unless it is whole", async () => {
  const dev = await start();
  const [backup, broken] = [join(directory, "backup.db"), join(directory, "broken.db")];
  command(0, "backup", backup, "--data-dir", dataDir);
  const content = readFileSync(backup);
  expect(command(FAILURE, "backup", backup, "--data-dir", dataDir)).toContain("a backup replaces nothing");
  expect(readFileSync(backup).equals(content)).toBe(true);
  expect(command(FAILURE, "restore", backup, "--data-dir", controllerDir)).toContain(`process ${dev.pid} `);
  await dev.kill();
  expect(command(FAILURE, "restore", backup, "--data-dir", controllerDir)).toContain("there is a store in");
  writeFileSync(broken, content.subarray(0, content.length / 2));
  const elsewhere = join(directory, "elsewhere");
  expect(command(FAILURE, "restore", broken, "--data-dir", elsewhere)).toContain("is no backup that can be used");
  expect(existsSync(elsewhere)).toBe(false);
  expect(command(FAILURE, "backup", join(directory, "none.db"), "--data-dir", elsewhere)).toContain("no store in");
});
