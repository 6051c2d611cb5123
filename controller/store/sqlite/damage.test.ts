import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { assert, nat, property } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLogger } from "../../../base/logger.ts";
import { StoreError, type Write } from "../store.ts";
import { type DataPaths, dataPaths } from "./data-directory.ts";
import { Inspection } from "./inspection.ts";
import { rowCrc } from "./schema.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const parent = mkdtempSync(join(tmpdir(), "gpusched-damage-"));
/** As a clean close leaves the directory: all is in the database file. */
const closed = dataPaths(join(parent, "closed"));
/** As `kill -9` leaves it: the latest commits are in the write-ahead log alone. */
const killed = dataPaths(join(parent, "killed"));
let copies = 0;

beforeAll(async () => {
  const live = dataPaths(join(parent, "live"));
  const store = await open(live);
  await store.commit(rows(0, 2_000));
  for (let n = 2_000; n < 2_050; n += 1) await store.commit(rows(n, n + 1));
  copy(live, killed);
  await store.close();
  copy(live, closed);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const REFUSED: readonly [string, DataPaths, (paths: DataPaths) => void, RegExp][] = [
  ["the magic is overwritten", closed, ({ database }) => flip(database, 3), /not a database/],
  ["the page size is overwritten", closed, ({ database }) => flip(database, 16), /gpusched\.db/],
  [
    "a page in the middle is overwritten",
    closed,
    ({ database }) => overwrite(database, 40 * 4_096, 4_096),
    /gpusched\.db/,
  ],
  [
    "one bit in the middle of a row flipped",
    closed,
    flipInsideRow,
    /row "job-1000" of table job does not match its checksum/,
  ],
  ["an index does not agree with its table", closed, flipInsideIndex, /gpusched\.db cannot be read \(.*index/],
  ["half of it is gone", closed, ({ database }) => truncateSync(database, half(database)), /gpusched\.db/],
  ["all but the header is gone", closed, ({ database }) => truncateSync(database, 100), /gpusched\.db/],
  ["it is empty", closed, ({ database }) => truncateSync(database, 0), /gpusched\.db is empty/],
  ["it is empty, and no other file", closed, onlyEmptyDatabase, /gpusched\.db is empty/],
  [
    "it is something else",
    closed,
    ({ database }) => writeFileSync(database, "garbage ".repeat(4_096)),
    /not a database/,
  ],
  ["it is missing", closed, ({ database }) => rmSync(database), /gpusched\.db is missing/],
  ["it is missing, its log is there", killed, ({ database }) => rmSync(database), /gpusched\.db is missing/],
  ["only the log is there", killed, onlyLog, /gpusched\.db is missing/],
  ["it is a directory", closed, databaseAsDirectory, /is not a file/],
  ["the log was deleted", killed, ({ wal }) => rmSync(wal), /what was stored last is lost/],
  ["the log was emptied", killed, ({ wal }) => truncateSync(wal, 0), /what was stored last is lost/],
  ["the log was cut off", killed, ({ wal }) => truncateSync(wal, half(wal)), /what was stored last is lost/],
  ["a bit of the log flipped", killed, ({ wal }) => flip(wal, half(wal)), /what was stored last is lost/],
  ["an older term is back", closed, setMeta("term", "0"), /saw revision 51 of term 1/],
  [
    "the revision file is garbled",
    closed,
    ({ revision }) => writeFileSync(revision, "?"),
    /revision cannot be understood/,
  ],
  ["cluster.json is garbled", closed, ({ cluster }) => writeFileSync(cluster, "{"), /cluster\.json cannot be read/],
  ["it belongs to another cluster", closed, setMeta("clusterId", "other"), /belongs to cluster other/],
  [
    "its format is newer",
    closed,
    setMeta("format", "2"),
    /newer version of this program \(format 2; this one knows 1\)/,
  ],
  ["cluster.json's format is newer", closed, newerClusterFile, /newer version of this program \(format 7;/],
  [
    "a value was edited by hand",
    closed,
    sql("UPDATE job SET value = '{}' WHERE key = 'job-7'"),
    /row "job-7" of table job/,
  ],
  [
    "a row was moved to another key",
    closed,
    sql("UPDATE spec SET key = 'x' WHERE key = 'job-7'"),
    /row "x" of table spec/,
  ],
  ["a value is no JSON", closed, setRow("[1"), /row "job-7" of table job is not a JSON object/],
  ["a value is no object", closed, setRow("[1]"), /row "job-7" of table job is not a JSON object/],
  [
    "a row of meta is missing",
    closed,
    sql("DELETE FROM meta WHERE key = 'revision'"),
    /row revision of table meta is missing/,
  ],
  [
    "a row of meta was edited",
    closed,
    sql("UPDATE meta SET value = '99' WHERE key = 'term'"),
    /row term of table meta/,
  ],
  ["a table is missing", closed, sql("DROP TABLE node"), /table node is not as it was made/],
];

test.each(REFUSED)("refuses and changes nothing when %s", async (_, fixture, damage, finding) => {
  const paths = copyOf(fixture);
  damage(paths);
  const before = fingerprint(paths);
  const error: unknown = await open(paths).then(
    (store) => store.close(),
    (refusal: unknown) => refusal,
  );
  expect(error).toBeInstanceOf(StoreError);
  expect(error).toMatchObject({ code: "damaged", message: expect.stringMatching(finding) });
  expect(error).toMatchObject({ message: expect.stringContaining(`${paths.directory} `) });
  expect(error).toMatchObject({
    message: expect.stringMatching(/Nothing was changed\..* move .* away to start empty\.$/),
  });
  expect(fingerprint(paths)).toEqual(before);
});

test.each([
  ["the database file", closed, "database"],
  ["the write-ahead log", killed, "wal"],
] as const)("a flipped byte anywhere in %s is refused, or harms nothing", (_, fixture, file) => {
  const whole = readAll(fixture);
  let refusals = 0;
  const offsets = nat({ max: statSync(fixture[file]).size - 1 });
  const isRefusedOrHarmless = property(offsets, (offset) => {
    const paths = copyOf(fixture);
    flip(paths[file], offset);
    try {
      expect(readAll(paths)).toEqual(whole);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      expect(error.code).toBe("damaged");
      refusals += 1;
    }
    rmSync(paths.directory, { recursive: true });
  });
  assert(isRefusedOrHarmless, { numRuns: 150 });
  expect(refusals).toBeGreaterThan(0);
});

const ACCEPTED: readonly [string, DataPaths, (paths: DataPaths) => void][] = [
  ["the process was killed", killed, () => undefined],
  ["the log's index is gone", killed, ({ database }) => rmSync(`${database}-shm`)],
  ["only the database was restored", closed, onlyDatabase],
  ["it was restored from a compacted copy", closed, compacted],
  ["the revision file is older, as after a power cut", killed, ({ revision }) => writeFileSync(revision, MARK_OF_ONE)],
  ["an unfinished draft lies beside it", closed, ({ database }) => writeFileSync(`${database}.new`, "half")],
];

test.each(ACCEPTED)("opens with everything in it when %s", async (_, fixture, change) => {
  const paths = copyOf(fixture);
  change(paths);
  const store = await open(paths);
  const contents = await store.load();
  expect(contents).toMatchObject({ revision: 51, term: 2 });
  expect(contents.rows.length).toBe(4_100);
  expect(await store.commit([])).toBe(52);
  await store.close();
  expect(readAll(paths).size).toBe(4_100);
});

const MARK_OF_ONE = "revision 1 term 1\n";

function open(paths: DataPaths) {
  return openSqliteStore({ dataDir: paths.directory, log: silentLogger, owner: { address: "127.0.0.1:7000" } });
}

function rows(from: number, to: number): Write[] {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  return numbers.flatMap((n) => [
    { table: "job", key: `job-${n}`, value: { n, text: `${n} `.repeat(60) } },
    { table: "spec", key: `job-${n}`, value: { n } },
  ]);
}

/** By a process of its own: closing a file here would take SQLite's locks on it from a store that has it open here. */
function copy(from: DataPaths, to: DataPaths): void {
  execFileSync("cp", ["-a", from.directory, to.directory]);
  for (const path of [to.lock, to.owner]) rmSync(path, { force: true });
}

function copyOf(fixture: DataPaths): DataPaths {
  copies += 1;
  const paths = dataPaths(join(parent, `copy-${copies}`));
  copy(fixture, paths);
  return paths;
}

function readAll(paths: DataPaths): Map<string, string> {
  const found = new Map<string, string>();
  const inspection = new Inspection(paths);
  try {
    for (let chunk = inspection.next(); chunk; chunk = inspection.next()) {
      for (let i = 0; i < chunk.texts.length; i += 2)
        found.set(`${chunk.table}/${chunk.texts[i]}`, chunk.texts[i + 1] ?? "");
    }
  } finally {
    inspection.close();
  }
  return found;
}

/** Every file's hash, but for the lock and SQLite's index of the log, which hold no data. */
function fingerprint({ directory }: DataPaths): Record<string, string> {
  const names = readdirSync(directory).filter((name) => name !== "controller.lock" && !name.endsWith("-shm"));
  const hash = (path: string) =>
    statSync(path).isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "directory";
  return Object.fromEntries(names.sort().map((name) => [name, hash(join(directory, name))]));
}

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x10, offset);
  writeFileSync(path, bytes);
}

function overwrite(path: string, offset: number, length: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0xa5, offset, offset + length);
  writeFileSync(path, bytes);
}

function half(path: string): number {
  return Math.floor(statSync(path).size / 2);
}

function flipInsideRow({ database }: DataPaths): void {
  const offset = readFileSync(database).indexOf("1000 1000 1000");
  expect(offset).toBeGreaterThan(0);
  flip(database, offset);
}

function sql(statement: string, ...values: (string | number)[]): (paths: DataPaths) => void {
  return ({ database }) => {
    const connection = new DatabaseSync(database);
    connection.prepare(statement).run(...values);
    connection.close();
  };
}

function setMeta(key: string, value: string): (paths: DataPaths) => void {
  return sql("UPDATE meta SET value = ?, crc = ? WHERE key = ?", value, rowCrc(key, value), key);
}

function setRow(value: string): (paths: DataPaths) => void {
  return sql("UPDATE job SET value = ?, crc = ? WHERE key = 'job-7'", value, rowCrc("job-7", value));
}

/** In a table a row's key is followed by its value, in the index by the row's number. */
function flipInsideIndex({ database }: DataPaths): void {
  const [match] = readFileSync(database, "latin1").matchAll(/job-1000[^{]/g);
  expect(match).toBeDefined();
  flip(database, match?.index ?? 0);
}

function removeAllBut(kept: string, { directory }: DataPaths): void {
  for (const name of readdirSync(directory)) if (join(directory, name) !== kept) rmSync(join(directory, name));
}

function onlyDatabase(paths: DataPaths): void {
  removeAllBut(paths.database, paths);
}

function onlyEmptyDatabase(paths: DataPaths): void {
  onlyDatabase(paths);
  truncateSync(paths.database, 0);
}

function onlyLog(paths: DataPaths): void {
  removeAllBut(paths.wal, paths);
}

function databaseAsDirectory({ database }: DataPaths): void {
  rmSync(database);
  mkdirSync(database);
}

function newerClusterFile({ cluster }: DataPaths): void {
  writeFileSync(cluster, readFileSync(cluster, "utf8").replace('"format": 1', '"format": 7'));
}

function compacted(paths: DataPaths): void {
  const copied = `${paths.database}.compacted`;
  sql("VACUUM INTO ?", copied)(paths);
  execFileSync("mv", [copied, paths.database]);
}
