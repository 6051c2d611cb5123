import { DEFAULT_POLICY } from "../core/model/policy.ts";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../../base/logger.ts";
import { LoopWorld } from "../../test/support/loop-world.ts";
import { FileJournal } from "./file-journal.ts";
import { openLine, sealLine } from "./sealed-line.ts";
import { replayJournal } from "./replay-journal.ts";

const SETTINGS = { nodeUnreachableAfterMs: 15_000, nodeLostAfterMs: 300_000, policy: DEFAULT_POLICY };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gpusched-journal-"));
});
afterEach(() => rm(directory, { recursive: true }));

/** A journal of one term with a tenant, a node and a job, a batch each, on lines 3 to 6. */
async function journalOfADay(): Promise<string> {
  const world = new LoopWorld(directory);
  await world.start();
  await world.settle();
  world.addTenant("tenant-1");
  await world.settle();
  world.addNode("node-1", 2);
  await world.settle();
  world.submit({ gpuCount: 2 });
  await world.settle();
  await world.close();
  return join(directory, "journal.000001");
}

/** Changes a line of the file, counted from 1, and seals it anew. */
async function change(path: string, line: number, edit: (fields: Record<string, unknown>) => object): Promise<void> {
  const lines = (await readFile(path, "utf8")).split("\n");
  const fields = openLine(lines[line - 1] ?? "") as Record<string, unknown>;
  lines[line - 1] = sealLine(edit(fields)).trimEnd();
  await writeFile(path, lines.join("\n"));
}

test("a whole day is identical", async () => {
  const report = await replayJournal(await journalOfADay());
  expect(report).toMatchObject({ batches: 4, inputs: 4 });
  expect(Object.keys(report).toSorted()).toEqual(["batches", "hash", "inputs", "version"]);
});

test("an input that is not the one that was recorded is found by the hash, even where nothing else comes of it", async () => {
  const path = await journalOfADay();
  await change(path, 3, ({ inputs, ...rest }) => ({ ...rest, inputs: [...(inputs as object[]), { kind: "tick" }] }));
  const { difference, batches } = await replayJournal(path);
  expect(batches).toBe(0);
  expect(difference).toMatchObject({ line: 3, batch: 1, recorded: [], recomputed: [] });
});

test("a missing batch is found at the next one", async () => {
  const path = await journalOfADay();
  const lines = (await readFile(path, "utf8")).split("\n");
  await writeFile(path, lines.toSpliced(4, 1).join("\n"));
  expect((await replayJournal(path)).difference).toMatchObject({ line: 5, batch: 3, inputKinds: ["submit-job"] });
});

test("a bug that ended the term is reproduced, and a bug that is new is a difference", async () => {
  const path = join(directory, "bug");
  const journal = new FileJournal({ path, log: silentLogger });
  journal.begin({ clusterId: "c", term: 1, revision: 0, at: 1, settings: SETTINGS, rows: [] });
  const strange = { kind: "strange" } as never;
  journal.record({ at: 2, inputs: [strange], outcome: { failure: 'unexpected value {"kind":"strange","at":2}' } });
  await journal.close();
  expect(await replayJournal(`${path}.000001`)).toMatchObject({ batches: 1, inputs: 1, version: expect.any(String) });

  const day = await journalOfADay();
  await change(day, 6, ({ inputs, ...rest }) => ({ ...rest, inputs: [...(inputs as object[]), strange] }));
  const { difference } = await replayJournal(day);
  expect(difference?.recomputed).toEqual([expect.stringMatching(/^the term ends by a bug: unexpected value/)]);
});
