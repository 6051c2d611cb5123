import { appendFile, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { OutputPiece } from "../executor.ts";
import { watchFiles } from "./watch-files.ts";

let dir: string;
let paths: { stdout: string; stderr: string };
let stop: AbortController;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gpusched-watch-"));
  paths = { stdout: join(dir, "stdout.log"), stderr: join(dir, "stderr.log") };
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await rm(dir, { recursive: true, force: true });
});

async function next(pieces: AsyncGenerator<OutputPiece>): Promise<readonly [string, string, string]> {
  const { value } = await pieces.next();
  const { stream, data, position } = value as OutputPiece;
  return [stream, Buffer.from(data).toString(), position];
}

test("what is appended to either file comes, with where to go on", async () => {
  const pieces = watchFiles(paths, undefined, stop.signal);
  const first = next(pieces);
  await writeFile(paths.stderr, "err");
  expect(await first).toEqual(["stderr", "err", "0:3"]);
  await writeFile(paths.stdout, "out");
  expect(await next(pieces)).toEqual(["stdout", "out", "3:3"]);
  await appendFile(paths.stdout, "more");
  expect(await next(watchFiles(paths, "3:3", stop.signal))).toEqual(["stdout", "more", "7:3"]);
});

test("a file that was cut is read from its beginning, and of a flood the end", async () => {
  await writeFile(paths.stdout, "a long line");
  await truncate(paths.stdout, 0);
  await appendFile(paths.stdout, "b");
  expect(await next(watchFiles(paths, "11:0", stop.signal))).toEqual(["stdout", "b", "1:0"]);
  await writeFile(paths.stdout, `${"x".repeat(3 * 1024 * 1024)}end`);
  const [, text, position] = await next(watchFiles(paths, "1:0", stop.signal));
  expect([text.length, text.slice(-3), position]).toEqual([1024 * 1024, "end", `${3 * 1024 * 1024 + 3}:0`]);
});
