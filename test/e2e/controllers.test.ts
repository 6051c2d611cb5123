/** Each role as a process of its own: what one refuses that is started where another works, or on what it cannot trust. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { cp, mkdtemp, open, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ServiceStack } from "../../base/service.ts";
import { startDev } from "../support/dev-process.ts";
import { RestClient } from "../support/rest-client.ts";
import { type RoleProcess, startRole } from "../support/role-process.ts";
import { scheduler, SchedulerCalls } from "../support/scheduler-calls.ts";

const FAILURE = 1;
const INSECURE = 78;
/** What others are told; nobody listens there. */
const ADVERTISED = "192.0.2.7:9090";

let services: ServiceStack;
let directory: string;

beforeEach(async () => {
  services = new ServiceStack();
  directory = await realpath(await mkdtemp(join(tmpdir(), "gpusched-roles-")));
  services.add({ close: () => rm(directory, { recursive: true, force: true, maxRetries: 5 }) });
});

afterEach(() => services.close());

const role = (...args: string[]) => services.add(startRole(...args));

function controller(dataDir: string, ...flags: string[]): RoleProcess {
  return role("controller", "--data-dir", dataDir, "--listen", "127.0.0.1:0", ...flags);
}

/** Its term, once it leads; asked over the network. */
async function termOf(process: RoleProcess): Promise<number> {
  const { address } = await process.untilLogged("the controller leads");
  const calls = services.add(new SchedulerCalls(String(address)));
  return (await calls.call(scheduler.GetClusterStatus, {})).term;
}

describe("a second controller on a data directory", () => {
  test("is refused and told who is there, and takes over once that one is dead", async () => {
    const first = controller(directory, "--advertise", ADVERTISED);
    expect(await termOf(first)).toBe(1);
    const second = controller(directory);
    expect(await second.untilEnded()).toBe(FAILURE);
    const words = [directory, `process ${first.pid} `, ADVERTISED, "Stop that one first"];
    for (const word of words) expect(second.output()).toContain(word);
    expect(second.output()).not.toMatch(/\n\s+at /);
    expect(await termOf(first)).toBe(1);
    await first.kill();
    expect(await termOf(controller(directory))).toBe(2);
  });

  test("is refused whichever of the two is gpusched dev", async () => {
    const flags = ["--executor", "process", "--simulate-gpus", "1"];
    const dev = services.add(await startDev({ dataDir: directory, flags }));
    const ports = ["--http-port", "0", "--grpc-port", "0"];
    for (const second of [
      role("dev", "--data-dir", directory, ...ports, ...flags),
      controller(join(directory, "controller")),
    ]) {
      expect(await second.untilEnded()).toBe(FAILURE);
      expect(second.output()).toContain(`process ${dev.pid} `);
    }
    expect((await new RestClient(dev.url).ask("GET", "/ready"))?.status).toBe(200);
    await dev.kill();
    expect(await termOf(controller(join(directory, "controller")))).toBe(2);
  });
});

test("a second agent on a data directory is refused and told who is there, and takes over once that one is dead", async () => {
  const agent = (...flags: string[]) =>
    role("agent", "--data-dir", directory, "--executor", "process", "--simulate-gpus", "1", ...flags);
  const first = agent("--node-name", "first");
  await first.untilLogged("agent started");
  const second = agent("--node-name", "second");
  expect(await second.untilEnded()).toBe(FAILURE);
  for (const word of [directory, `process ${first.pid}`]) expect(second.output()).toContain(word);
  await first.kill();
  await agent().untilLogged("agent started");
});

describe("a controller on a directory that is damaged", () => {
  /** Every file with its content, but for those that say who is there. */
  function contents(): ReadonlyMap<string, string> {
    const files = readdirSync(directory).filter((name) => !["owner.json", "controller.lock"].includes(name));
    return new Map(
      files.map((name) => [
        name,
        createHash("sha256")
          .update(readFileSync(join(directory, name)))
          .digest("hex"),
      ]),
    );
  }

  async function overwriteMiddle(path: string): Promise<void> {
    const file = await open(path, "r+");
    const { size } = await file.stat();
    await file.write(Buffer.alloc(size / 4, 0xa5), 0, size / 4, size / 2);
    await file.close();
  }

  test.each<[string, (database: string) => unknown]>([
    ["the middle is overwritten", overwriteMiddle],
    ["the end is cut off", (database) => truncateSync(database, readFileSync(database).length / 2)],
    ["it is deleted", (database) => rmSync(database)],
  ])("refuses to start, says what to do, and changes nothing: %s", async (_, damage) => {
    const healthy = controller(directory);
    const { address } = await healthy.untilLogged("the controller leads");
    const calls = services.add(new SchedulerCalls(String(address)));
    for (let i = 0; i < 50; i++) await calls.call(scheduler.CreateTenant, { spec: { name: `team ${i}` } });
    expect(await healthy.stop()).toBe(0);
    const backup = `${directory}-backup`;
    services.add({ close: () => rm(backup, { recursive: true, force: true }) });
    await cp(directory, backup, { recursive: true });
    await damage(join(directory, "gpusched.db"));
    const before = contents();

    const refused = controller(directory);
    expect(await refused.untilEnded()).toBe(FAILURE);
    const words = [directory, "is damaged", "Nothing was changed", "Restore the directory from a backup"];
    for (const word of words) expect(refused.output()).toContain(word);
    expect(refused.output()).not.toMatch(/\n\s+at /);
    expect(contents()).toEqual(before);

    await rm(directory, { recursive: true });
    await cp(backup, directory, { recursive: true });
    const restored = controller(directory);
    expect(await termOf(restored)).toBe(2);
    const again = services.add(
      new SchedulerCalls(String((await restored.untilLogged("the controller leads"))["address"])),
    );
    expect((await again.call(scheduler.ListTenants, {})).tenants).toHaveLength(50);
  });
});

test.each([
  ["dev", "--host"],
  ["controller", "--listen"],
  ["gateway", "--listen"],
])(
  "gpusched %s refuses to listen beyond this host without authentication, before it touches anything",
  async (verb, flag) => {
    const dataDir = join(directory, "data");
    const store = verb === "gateway" ? [] : ["--data-dir", dataDir];
    for (const host of ["0.0.0.0", "::", "192.0.2.7"]) {
      const bracketed = host.includes(":") ? `[${host}]` : host;
      const refused = role(verb, flag, flag === "--host" ? host : `${bracketed}:0`, ...store);
      expect(await refused.untilEnded()).toBe(INSECURE);
      for (const word of [host, "--insecure"]) expect(refused.output()).toContain(word);
    }
    expect(existsSync(dataDir)).toBe(false);
  },
);
