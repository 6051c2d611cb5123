/** What the roles, as processes, tell the service manager that has started them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ProgramProcess, startProgram } from "../support/dev-process.ts";
import { type NotifyReceiver, receiveNotifications } from "../support/notify-receiver.ts";

let directory: string;
let receiver: NotifyReceiver;
const processes: ProgramProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gpusched-manager-"));
  receiver = receiveNotifications("path");
});
afterEach(async () => {
  for (const { child, ended } of processes.splice(0)) {
    child.kill("SIGKILL");
    await ended;
  }
  await receiver.close();
  await rm(directory, { recursive: true, force: true });
});

function start(...args: readonly string[]): ProgramProcess {
  const environment = { NOTIFY_SOCKET: receiver.address, WATCHDOG_USEC: "300000" };
  const started = startProgram([...args, "--log-format", "json"], { cwd: directory, environment });
  processes.push(started);
  return started;
}

const fed = (line: string) => line === "WATCHDOG=1";
const status = (text: string) => (line: string) => line.startsWith(`STATUS=${text}`);

test("a gateway is ready when it listens, and is well until it is stopped", async () => {
  const { child, ended } = start("gateway", "--listen", "127.0.0.1:0");
  const [, address] = (await receiver.until(status("serves on "))).split(" on ");
  expect(receiver.lines()[0]).toBe("READY=1");
  expect((await fetch(`http://${address}/health`)).status).toBeGreaterThanOrEqual(200);
  await receiver.until(fed);
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
  expect(receiver.lines().slice(-2)).toEqual(["STOPPING=1", "STATUS=stopping"]);
});

test("a controller is ready when it leads", async () => {
  start("controller", "--listen", "127.0.0.1:0", "--data-dir", join(directory, "controller"));
  await receiver.until(status("leads in term 1"));
  expect(receiver.lines()[0]).toBe("READY=1");
  await receiver.until(fed);
});

test("a controller that cannot start is never ready", async () => {
  const { ended } = start("controller", "--listen", "127.0.0.1:0", "--data-dir", "/proc/gpusched");
  expect(await ended).not.toBe(0);
  expect(receiver.lines()).not.toContain("READY=1");
});

test("an agent is ready when it knows its host, whether a controller answers or not", async () => {
  start("agent", "--executor", "process", "--simulate-gpus", "2", "--data-dir", join(directory, "agent"));
  await receiver.until(status("2 GPUs, 0 jobs; no controller answers"));
  expect(receiver.lines()).toContain("READY=1");
  await receiver.until(fed);
});

test("an agent whose Docker does not answer is not ready, and says what it waits for", async () => {
  start("agent", "--simulate-gpus", "2", "--docker-socket", join(directory, "none"), "--data-dir", directory);
  await receiver.until(status("docker cannot tell yet what runs here"));
  expect(receiver.lines()).not.toContain("READY=1");
});
