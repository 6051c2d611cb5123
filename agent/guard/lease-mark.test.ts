import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../../base/logger.ts";
import { LeaseMarkWriter, readLeaseMark } from "./lease-mark.ts";

const OWNER = { agentId: "8d0a9f6e-55a5-4c9f-8f0e-0b4c3e0d9d11", bootId: "5f4ad3f0-3fb3-4a8c-a8d7-4d1c57f2f3aa" };

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "gpusched-mark-"));
});
afterEach(() => rm(dataDir, { recursive: true }));

const path = (): string => join(dataDir, "lease-mark");

test("what was put last is read, also after a writer before", async () => {
  expect(await readLeaseMark(dataDir)).toBeUndefined();
  for (const last of [1_234.5, undefined, 99]) {
    const writer = await LeaseMarkWriter.open(dataDir, OWNER, silentLogger);
    writer.put(7);
    writer.put(8);
    writer.put(last);
    await writer.close();
    expect(await readLeaseMark(dataDir)).toEqual({ ...OWNER, goneByMs: last ?? null });
  }
});

test("it is as long whatever it says, so that writing it over needs no room", async () => {
  const writer = await LeaseMarkWriter.open(dataDir, OWNER, silentLogger);
  writer.put(undefined);
  await writer.close();
  const { size, ino } = await stat(path());
  const again = await LeaseMarkWriter.open(dataDir, OWNER, silentLogger);
  again.put(Number.MAX_SAFE_INTEGER);
  await again.close();
  expect(await stat(path())).toMatchObject({ size, ino });
});

test("half of one mark and half of another is none", async () => {
  const writer = await LeaseMarkWriter.open(dataDir, OWNER, silentLogger);
  writer.put(1_111);
  await writer.close();
  const text = await readFile(path(), "utf8");
  await writeFile(path(), text.replace("1111", "1112"));
  await expect(readLeaseMark(dataDir)).rejects.toThrow("half written");
  await writeFile(path(), text.slice(0, 100));
  await expect(readLeaseMark(dataDir)).rejects.toThrow();
});
