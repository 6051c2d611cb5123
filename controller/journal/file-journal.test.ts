import { DEFAULT_POLICY } from "../core/model/policy.ts";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger } from "../../base/logger.ts";
import { asTenantId } from "../../base/ids.ts";
import { State } from "../core/model/state.ts";
import { runBatch } from "../loop/batch.ts";
import type { TermStart } from "../loop/journal.ts";
import { FileJournal } from "./file-journal.ts";
import { readJournal } from "./read-journal.ts";

const SETTINGS = { nodeUnreachableAfterMs: 15_000, nodeLostAfterMs: 300_000, policy: DEFAULT_POLICY };
const START: TermStart = { clusterId: "c", term: 7, revision: 3, at: 1_000, settings: SETTINGS, rows: [] };

let directory: string;
let logged: { level: number; msg: string; error?: string }[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gpusched-journal-"));
  logged = [];
});
afterEach(async () => {
  await chmod(directory, 0o700);
  await rm(directory, { recursive: true });
});

const log = createLogger({
  level: "trace",
  format: "json",
  destination: { write: (line) => logged.push(JSON.parse(line) as (typeof logged)[number]) },
});

function openJournal(name = "journal", waitingLimit?: number): FileJournal {
  const path = join(directory, name);
  return new FileJournal(waitingLimit === undefined ? { path, log } : { path, log, waitingLimit });
}

/** A batch that makes a tenant. */
function tenantBatch(id: string) {
  const tenant = { name: `tenant \u2028 ${id}`, limits: {} };
  const inputs = [{ kind: "create-tenant" as const, tenant, id: asTenantId(id) }];
  return { at: 2_000, inputs, outcome: runBatch(new State(SETTINGS, 1_000), inputs, 2_000) };
}

async function entriesOf(path: string) {
  const entries = [];
  for await (const entry of readJournal(path)) entries.push(entry);
  return entries;
}

const errors = () => logged.filter(({ level }) => level >= 50);

test("a term is written to a file of its own, for its owner's eyes, and is read back as it was", async () => {
  const journal = openJournal("deep/journal");
  const rows = [{ table: "tenant" as const, key: "tenant-1", value: { name: "a" } }];
  journal.begin({ ...START, rows });
  journal.record(tenantBatch("tenant-2"));
  journal.record({ at: 2_001, inputs: [{ kind: "tick" }], outcome: { failure: "a bug" } });
  await journal.close();
  const path = join(directory, "deep/journal.000007");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const entries = await entriesOf(path);
  expect(entries).toMatchObject([
    { kind: "header", line: 1, header: { format: 1, clusterId: "c", term: 7, at: 1_000, settings: SETTINGS, rows: 1 } },
    { kind: "row", line: 2, row: rows[0] },
    { kind: "batch", line: 4, batch: { at: 2_000, passed: true, decisions: ["saved tenant tenant-2"] } },
    { kind: "batch", line: 5, batch: { at: 2_001, failure: "a bug", decisions: ["the term ends by a bug: a bug"] } },
  ]);
  expect(entries[2]).toMatchObject({ batch: { inputs: tenantBatch("tenant-2").inputs } });
  expect(errors()).toEqual([]);
});

test("a file that is there already is left as it is, and the journal ends with a line in the log", async () => {
  const path = join(directory, "journal.000007");
  await writeFile(path, "mine");
  const journal = openJournal();
  journal.begin(START);
  journal.record(tenantBatch("tenant-2"));
  await journal.close();
  expect(await readFile(path, "utf8")).toBe("mine");
  expect(errors()).toMatchObject([{ msg: "the journal ends here: it cannot be written", error: /EEXIST/ }].map(like));
});

test("a place where nothing can be written ends the journal and nothing else", async () => {
  await mkdir(join(directory, "journal.000007"));
  const journal = openJournal();
  journal.begin(START);
  journal.record(tenantBatch("tenant-2"));
  await journal.close();
  journal.record(tenantBatch("tenant-3"));
  expect(errors()).toHaveLength(1);
});

test("a disk that cannot keep up ends the journal once too much waits, and what is written can be read", async () => {
  const journal = openJournal("journal", 10_000);
  journal.begin(START);
  // Nothing is written while this goes on: the disk has no turn.
  for (let count = 0; count < 100; count++) journal.record(tenantBatch(`tenant-${count}`));
  await journal.close();
  expect(errors()).toMatchObject([{ error: expect.stringContaining("the disk is too slow") as string }]);
  expect((await entriesOf(join(directory, "journal.000007")))[0]).toMatchObject({ kind: "header" });
});

test("closing one that never began, or twice, is allowed", async () => {
  const journal = openJournal();
  await journal.close();
  await journal.close();
  expect(errors()).toEqual([]);
});

function like(entry: { msg: string; error: RegExp }) {
  return { msg: entry.msg, error: expect.stringMatching(entry.error) as string };
}
