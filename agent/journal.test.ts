import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Journal } from "./journal.ts";

let dataDir = "";
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "gpusched-journal-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const path = (): string => join(dataDir, "agent.json");

test("identity and memory are there after a restart", async () => {
  const first = await Journal.open(dataDir);
  const memory = { clusterId: "cluster-1", highestTerm: 7, leaseMs: 300_000 };
  await first.save(memory);
  const second = await Journal.open(dataDir);
  expect(second.agentId).toBe(first.agentId);
  expect(second.memory).toEqual(memory);
});

test("a directory that does not exist is made, with an identity of its own", async () => {
  const one = await Journal.open(join(dataDir, "a", "b"));
  const two = await Journal.open(join(dataDir, "c"));
  expect(one.agentId).not.toBe(two.agentId);
});

test.each([
  ["empty", ""],
  ["cut off", '{"version":1,"agentId":"'],
  ["of another version", '{"version":2}'],
  ["without a term", '{"version":1,"agentId":"7d8d3b3e-5a2b-4e0f-9a57-2f3a3c9d1e11","clusterId":"","leaseMs":0}'],
  ["not an object", "null"],
])("a journal that is %s is refused with its path and what to do, and left as it is", async (_, text) => {
  await writeFile(path(), text);
  await expect(Journal.open(dataDir)).rejects.toThrow(`the agent's journal ${path()} is damaged. Restore it`);
  expect(await readFile(path(), "utf8")).toBe(text);
});

test("a save that fails leaves the memory of before", async () => {
  const journal = await Journal.open(dataDir);
  await rm(dataDir, { recursive: true });
  await expect(journal.save({ clusterId: "c", highestTerm: 9, leaseMs: 0 })).rejects.toThrow();
  expect(journal.memory.highestTerm).toBe(0);
});
