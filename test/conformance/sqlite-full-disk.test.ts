/** The embedded store on a disk that fills up, with a small reserve: what is acknowledged is there, and nothing ends. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Logger, silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import { openSqliteStore } from "../../controller/store/sqlite/sqlite-store.ts";
import type { Store } from "../../controller/store/store.ts";
import { SmallDisk, skipWithoutSmallDisk } from "../support/small-disk.ts";

const RESERVE_BYTES = 2 * 1024 * 1024;
const TEXT = "x".repeat(20_000);
const patience = { timeout: 30_000, interval: 20 };

let services: ServiceStack;
let disk: SmallDisk;
const logged: string[] = [];
const note = (_: unknown, message?: string) => void logged.push(message ?? "");
const log: Logger = Object.assign(Object.create(silentLogger) as Logger, { warn: note, error: note });

beforeEach((context) => {
  skipWithoutSmallDisk(context);
  services = new ServiceStack();
  disk = services.add(new SmallDisk(12));
});
afterEach(() => services?.close());

const dataDir = () => join(disk.directory, "data");
const reserve = () => join(dataDir(), "reserve");
const hasReserve = () => existsSync(reserve()) && statSync(reserve()).size === RESERVE_BYTES;

async function open(): Promise<Store> {
  const options = { dataDir: dataDir(), log, owner: { address: "127.0.0.1:1" } };
  return services.add(await openSqliteStore({ ...options, reserveBytes: RESERVE_BYTES }));
}

const write = (key: string, value: string) => ({ table: "job", key, value: { value } }) as const;

/** Commits new rows until the disk is full; the keys of those that were acknowledged. */
async function commitUntilShort(store: Store): Promise<string[]> {
  const keys: string[] = [];
  while (store.shortage === undefined) {
    const key = `job-${keys.length}`;
    await store.commit([write(key, TEXT)]);
    keys.push(key);
  }
  return keys;
}

async function keysStored(store: Store): Promise<string[]> {
  return (await store.load()).rows.map(({ key }) => key).toSorted();
}

test("a full disk costs the reserve and no commit, and is no shortage any more once there is room", async () => {
  const store = await open();
  await expect.poll(hasReserve, patience).toBe(true);
  disk.fill();
  const keys = await commitUntilShort(store);
  expect(existsSync(reserve())).toBe(false);
  expect(store.shortage).toContain("disk of the scheduler is full");
  // What changes rows goes on.
  for (let n = 0; n < 20; n += 1) await store.commit([write("job-0", `changed ${n}`)]);
  expect(store.shortage).toBeDefined();
  disk.empty();
  await expect.poll(() => store.shortage, patience).toBeUndefined();
  expect(hasReserve()).toBe(true);
  await store.commit([write("job-new", TEXT)]);
  await store.close();
  const again = await open();
  expect(await keysStored(again)).toEqual([...keys, "job-new"].toSorted());
});

test("when the reserve is used up as well a commit waits for room", async () => {
  const store = await open();
  await expect.poll(hasReserve, patience).toBe(true);
  disk.fill();
  const keys = await commitUntilShort(store);
  disk.fill();
  const large = store.commit([write("job-large", TEXT.repeat(40))]);
  await expect.poll(() => logged, patience).toContain("a commit waits for room on the disk");
  disk.empty();
  await large;
  await store.close();
  expect(await keysStored(await open())).toEqual([...keys, "job-large"].toSorted());
});

test("a store opens on a full disk, with its reserve's room", async () => {
  const first = await open();
  await expect.poll(hasReserve, patience).toBe(true);
  await first.commit([write("job-0", TEXT)]);
  await first.close();
  disk.fill();
  const store = await open();
  expect((await store.load()).term).toBe(2);
  await store.commit([write("job-1", TEXT)]);
  await expect.poll(() => store.shortage, patience).toBeDefined();
  await store.close();
  disk.fill();
  await expect(open()).rejects.toMatchObject({ code: "full", message: expect.stringContaining("disk is full") });
  disk.empty();
  expect(await keysStored(await open())).toEqual(["job-0", "job-1"]);
});
