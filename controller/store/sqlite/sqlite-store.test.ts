import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../../../base/logger.ts";
import type { Store } from "../store.ts";
import { type DataPaths, dataPaths } from "./data-directory.ts";
import { openSqliteStore } from "./sqlite-store.ts";

let parent: string;
let paths: DataPaths;
const opened: Store[] = [];

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "gpusched-sqlite-"));
  paths = dataPaths(join(parent, "deep", "data"));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
  rmSync(parent, { recursive: true, force: true });
});

test("makes a new directory for its owner alone, and leaves an existing one as it is", async () => {
  await open();
  expect(statSync(paths.directory).mode & 0o777).toBe(0o700);
  const existing = join(parent, "existing");
  mkdirSync(existing, { mode: 0o755 });
  await open(existing);
  expect(statSync(existing).mode & 0o777).toBe(0o755);
});

test("can be read by SQLite's own tools while it runs, and goes on committing", async () => {
  const store = await open();
  await store.commit([{ table: "job", key: "job-1", value: { phase: "running", gpus: [0, 1] } }]);
  const reader = new DatabaseSync(paths.database, { readOnly: true });
  try {
    const select = reader.prepare("SELECT key, value ->> '$.phase' AS phase FROM job");
    expect(select.all()).toEqual([{ key: "job-1", phase: "running" }]);
    expect(reader.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    await store.commit([{ table: "job", key: "job-1", value: { phase: "completed" } }]);
    expect(select.get()).toEqual({ key: "job-1", phase: "completed" });
  } finally {
    reader.close();
  }
});

test("names the first controller to a second one, and leaves nothing behind but the data when closed", async () => {
  const first = await open();
  const owner = `process ${process.pid} on host ${hostname()}, address 127.0.0.1:7000, since 20`;
  await expect(open()).rejects.toMatchObject({ code: "locked", message: expect.stringContaining(owner) });
  await expect(open()).rejects.toMatchObject({ message: expect.stringContaining(`${paths.directory} is held by`) });
  await first.close();
  expect(readdirSync(paths.directory).sort()).toEqual(["cluster.json", "controller.lock", "gpusched.db", "revision"]);
});

test.each([
  ["missing", () => rmSync(paths.owner)],
  ["garbled", () => writeFileSync(paths.owner, '{"pid":')],
  ["of another kind", () => writeFileSync(paths.owner, "[]")],
])("refuses a second controller also when the file that names the first is %s", async (_, damage) => {
  await open();
  damage();
  await expect(open()).rejects.toMatchObject({ code: "locked", message: expect.stringContaining(paths.owner) });
});

test("fences the earlier holder even when someone removed the lock from under it", async () => {
  const first = await open();
  await first.commit([{ table: "job", key: "a", value: {} }]);
  rmSync(paths.lock);
  const second = await open();
  expect(await second.load()).toMatchObject({ term: 2, revision: 1 });
  const refused = first.commit([{ table: "job", key: "b", value: {} }]);
  await expect(refused).rejects.toMatchObject({ code: "fenced", message: expect.stringContaining("term 1") });
  await expect(first.commit([])).rejects.toMatchObject({ code: "fenced" });
  await first.close();
  expect(await second.commit([{ table: "job", key: "c", value: {} }])).toBe(2);
  await second.close();
  expect((await (await open()).load()).rows.map((row) => row.key)).toEqual(["a", "c"]);
});

test("fails once and for all when a commit fails", async () => {
  const store = await open();
  await store.commit([{ table: "job", key: "a", value: {} }]);
  // Stands for a disk's error: it comes when half of the commit is written.
  const other = new DatabaseSync(paths.database);
  other.exec("CREATE TRIGGER broken BEFORE INSERT ON node BEGIN SELECT RAISE(ABORT, 'disk broken'); END");
  const refusal = { code: "failed", message: `cannot commit to ${paths.database}: disk broken` };
  const failing = store.commit([job("b"), { table: "node", key: "n", value: {} }]);
  const sentWithIt = store.commit([job("c")]);
  await expect(failing).rejects.toMatchObject(refusal);
  await expect(sentWithIt).rejects.toMatchObject(refusal);
  other.exec("DROP TRIGGER broken");
  other.close();
  await expect(store.commit([job("d")])).rejects.toMatchObject(refusal);
  await store.close();
  const contents = await (await open()).load();
  expect(contents.rows.map((row) => row.key)).toEqual(["a"]);
  expect(contents.revision).toBe(1);
});

test.each([
  ["is a file", () => writeIn("file", ""), /cannot use .*\/file as the data directory: it is a file/],
  [
    "is below a file",
    () => join(writeIn("file", ""), "data"),
    /cannot use .*\/file\/data as the data directory: a part of its path is a file/,
  ],
  ["cannot be written to", () => "/proc/self", /cannot write to \/proc\/self as user \d+/],
])("says so when the data directory %s", async (_, place, message) => {
  await expect(open(place())).rejects.toMatchObject({ code: "failed", message: expect.stringMatching(message) });
});

test("leaves a lock file that is something else alone", async () => {
  mkdirSync(paths.directory, { recursive: true });
  writeFileSync(paths.lock, "not a lock, but long enough to be looked at".repeat(100));
  const before = readFileSync(paths.lock);
  await expect(open()).rejects.toMatchObject({ code: "failed", message: expect.stringContaining(paths.lock) });
  expect(readFileSync(paths.lock)).toEqual(before);
});

async function open(dataDir = paths.directory): Promise<Store> {
  const store = await openSqliteStore({ dataDir, log: silentLogger, owner: { address: "127.0.0.1:7000" } });
  opened.push(store);
  return store;
}

function job(key: string) {
  return { table: "job", key, value: {} } as const;
}

function writeIn(name: string, text: string): string {
  const path = join(parent, name);
  writeFileSync(path, text);
  return path;
}
