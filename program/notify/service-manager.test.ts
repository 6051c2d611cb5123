import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createLogger, silentLogger } from "../../base/logger.ts";
import { type NotifyReceiver, receiveNotifications } from "../../test/support/notify-receiver.ts";
import { type Pulse, ServiceManager } from "./service-manager.ts";

const WELL: Pulse = { status: "serves", stalled: undefined };
const patience = { timeout: 20_000, interval: 5 };

const receivers: NotifyReceiver[] = [];
const managers: ServiceManager[] = [];
afterEach(async () => {
  for (const manager of managers.splice(0)) manager.stopping();
  for (const receiver of receivers.splice(0)) await receiver.close();
});

function receive(kind: "path" | "abstract" = "path"): NotifyReceiver {
  const receiver = receiveNotifications(kind);
  receivers.push(receiver);
  return receiver;
}

/** With a watchdog that is fed every 10 ms. */
async function find(environment: Record<string, string | undefined>, log = silentLogger): Promise<ServiceManager> {
  const manager = await ServiceManager.find({ WATCHDOG_USEC: "30000", ...environment }, log);
  managers.push(manager);
  return manager;
}

test.each(["path", "abstract"] as const)(
  "a role is ready when it says so, and is well from then on (%s)",
  async (kind) => {
    const receiver = receive(kind);
    const manager = await find({ NOTIFY_SOCKET: receiver.address, WATCHDOG_PID: String(process.pid) });
    manager.starting("reads its rows");
    expect(receiver.lines()).toEqual(["STATUS=reads its rows"]);
    manager.ready(() => WELL);
    expect(receiver.lines()).toEqual(["STATUS=reads its rows", "READY=1", "STATUS=serves", "WATCHDOG=1"]);
    await expect.poll(() => receiver.lines().length, patience).toBeGreaterThan(6);
    expect(new Set(receiver.lines().slice(3))).toEqual(new Set(["WATCHDOG=1"]));
  },
);

test("a role whose work does not go on is not called well, and is again once it does", async () => {
  const receiver = receive();
  const manager = await find({ NOTIFY_SOCKET: receiver.address });
  let asked = 0;
  manager.ready(() => {
    asked += 1;
    return { status: "serves", stalled: asked > 2 && asked < 6 ? "the disk is gone" : undefined };
  });
  await expect.poll(() => asked, patience).toBeGreaterThan(6);
  const lines = receiver.lines().slice(1);
  const stalled = "STATUS=serves; stalled: the disk is gone";
  expect(lines.slice(0, 6)).toEqual([
    "STATUS=serves",
    "WATCHDOG=1",
    "WATCHDOG=1",
    stalled,
    "STATUS=serves",
    "WATCHDOG=1",
  ]);
});

test("a role that stops says so, and nothing more", async () => {
  const receiver = receive();
  const manager = await find({ NOTIFY_SOCKET: receiver.address });
  let asked = 0;
  manager.ready(() => ({ ...WELL, status: `asked ${(asked += 1)} times` }));
  manager.stopping();
  expect(receiver.lines().slice(-2)).toEqual(["STOPPING=1", "STATUS=stopping"]);
  expect(asked).toBe(1);
});

test("a watchdog of another process is not fed", async () => {
  const receiver = receive();
  const manager = await find({ NOTIFY_SOCKET: receiver.address, WATCHDOG_PID: String(process.pid + 1) });
  manager.ready(() => WELL);
  expect(receiver.lines()).toEqual(["READY=1", "STATUS=serves"]);
});

test("what the role starts cannot speak for it", async () => {
  const receiver = receive();
  process.env["NOTIFY_SOCKET"] = receiver.address;
  await find(process.env);
  expect(process.env["NOTIFY_SOCKET"]).toBeUndefined();
});

/** A logger, and what it has been told. */
function recordingLogger() {
  const lines: string[] = [];
  const log = createLogger({ level: "info", format: "json", destination: { write: (line) => lines.push(line) } });
  return { log, lines };
}

test.each(["vsock:2:1234", `/${"x".repeat(200)}`])(
  "a role that cannot reach its manager says so and goes on (%s)",
  async (address) => {
    const { log, lines } = recordingLogger();
    const manager = await find({ NOTIFY_SOCKET: address }, log);
    manager.ready(() => WELL);
    expect(lines.join("\n")).toContain("Type=exec");
  },
);

test("a manager that has gone is complained of once", async () => {
  const { log, lines } = recordingLogger();
  const receiver = receive();
  const manager = await find({ NOTIFY_SOCKET: receiver.address }, log);
  await receivers.splice(0)[0]?.close();
  let asked = 0;
  manager.ready(() => {
    asked += 1;
    return WELL;
  });
  await expect.poll(() => asked, patience).toBeGreaterThan(3);
  expect(lines.filter((line) => line.includes("was not told"))).toHaveLength(1);
});

test("without a service manager nothing of it is loaded", () => {
  const program = `
    import { readFileSync } from "node:fs";
    const { ServiceManager } = await import(${JSON.stringify(join(import.meta.dirname, "service-manager.ts"))});
    const isLoaded = () => readFileSync("/proc/self/maps", "utf8").includes("koffi");
    await ServiceManager.find({}, console);
    const before = isLoaded();
    await ServiceManager.find({ NOTIFY_SOCKET: "/nowhere" }, console);
    console.log(before, isLoaded());
  `;
  const args = ["--input-type=module", "--eval", program];
  expect(execFileSync(process.execPath, args, { encoding: "utf8" })).toBe("false true\n");
});
