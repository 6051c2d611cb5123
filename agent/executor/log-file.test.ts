import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ReadLogOptions } from "./executor.ts";
import { type LogPaths, readLogFiles } from "./log-file.ts";

let dir: string;
let paths: LogPaths;
let stdout: string;
let stderr: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "log-file-"));
  stdout = join(dir, "stdout.log");
  stderr = join(dir, "stderr.log");
  paths = { stdout: [stdout, join(dir, "kept-stdout.log")], stderr: [stderr] };
});

afterEach(() => rm(dir, { recursive: true, force: true }));

const all: ReadLogOptions = {
  follow: false,
  tailLines: undefined,
  stream: undefined,
  signal: new AbortController().signal,
};

async function read(options: Partial<ReadLogOptions> = {}, hasEnded = (): boolean => true): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readLogFiles(paths, { ...all, ...options }, hasEnded)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test("standard output comes before standard error, and each can be read alone", async () => {
  await writeFile(stdout, "out\n");
  await writeFile(stderr, "err\n");
  expect(await read()).toBe("out\nerr\n");
  expect(await read({ stream: "stdout" })).toBe("out\n");
  expect(await read({ stream: "stderr" })).toBe("err\n");
});

test.each([
  [0, ""],
  [1, "d\n"],
  [2, "c\nd\n"],
  [3, "b\nc\nd\n"],
  [9, "a\nb\nc\nd\n"],
])("the last %i lines of both files together", async (tailLines, expected) => {
  await writeFile(stdout, "a\nb\n");
  await writeFile(stderr, "c\nd\n");
  expect(await read({ tailLines })).toBe(expected);
});

test("a line without an end is a line, and empty lines count", async () => {
  await writeFile(stdout, "a\n\n\nlast");
  expect(await read({ tailLines: 1 })).toBe("last");
  expect(await read({ tailLines: 3 })).toBe("\n\nlast");
  expect(await read({ tailLines: 4 })).toBe("a\n\n\nlast");
});

test("the tail is found across blocks", async () => {
  const line = (index: number): string => `${index} ${"x".repeat(90_000)}\n`;
  await writeFile(stdout, [1, 2, 3, 4].map(line).join(""));
  expect(await read({ tailLines: 2 })).toBe(line(3) + line(4));
});

test("following gives what is appended, from files that appear later too, and ends with the allocation", async () => {
  let ended = false;
  let text = "";
  await writeFile(stdout, "one\n");
  for await (const bytes of readLogFiles(paths, { ...all, follow: true }, () => ended)) {
    text += Buffer.from(bytes).toString();
    if (text === "one\n") await writeFile(stderr, "two\n");
    if (text === "one\ntwo\n") {
      await rename(stdout, join(dir, "kept-stdout.log"));
      await appendFile(join(dir, "kept-stdout.log"), "three\n");
    }
    if (text.endsWith("three\n")) {
      await appendFile(stderr, "four\n");
      ended = true;
    }
  }
  expect(text).toBe("one\ntwo\nthree\nfour\n");
});

test("a file that was cut is read on from its beginning", async () => {
  let ended = false;
  let text = "";
  await writeFile(stdout, "a long first text\n");
  for await (const bytes of readLogFiles(paths, { ...all, follow: true }, () => ended)) {
    text += Buffer.from(bytes).toString();
    if (text === "a long first text\n") {
      await truncate(stdout, 0);
      await appendFile(stdout, "short\n");
    } else ended = true;
  }
  expect(text).toBe("a long first text\nshort\n");
});

test("following ends when its reader gives up", async () => {
  const controller = new AbortController();
  await writeFile(stdout, "one\n");
  const reading = readLogFiles(paths, { ...all, follow: true, signal: controller.signal }, () => false);
  expect((await reading.next()).done).toBe(false);
  controller.abort();
  expect((await reading.next()).done).toBe(true);
});
