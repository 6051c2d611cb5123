import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DAY_MS } from "../../../base/time.ts";
import { Channel } from "./channel.ts";
import { collectLogs } from "../kept-logs.ts";
import { capLog } from "./log-cap.ts";
import { prepareSocketPath } from "./runner-socket.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "process-files-"));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

async function keepLog(name: string, bytes: number, daysAgo: number): Promise<void> {
  await mkdir(join(dir, name));
  await writeFile(join(dir, name, "stdout.log"), "x".repeat(bytes));
  const at = new Date(Date.now() - daysAgo * DAY_MS);
  await utimes(join(dir, name), at, at);
}

test("old output is removed by its age, and then the oldest beyond the total", async () => {
  await keepLog("too-old", 1, 8);
  await keepLog("oldest", 60, 6);
  await keepLog("older", 60, 5);
  await keepLog("new", 60, 1);
  await collectLogs(dir, { maxAgeMs: 7 * DAY_MS, maxBytes: 150 }, Date.now());
  expect((await readdir(dir)).toSorted()).toEqual(["new", "older"]);
});

test("a log beyond the limit is emptied once, says so, and goes on", async () => {
  const path = join(dir, "stdout.log");
  await writeFile(path, "x".repeat(101));
  await capLog(path, 100);
  await capLog(path, 100);
  await appendFile(path, "more\n");
  const note = "[gpusched: the output exceeded 100 bytes; what came before is not kept]\n";
  expect(await readFile(path, "utf8")).toBe(`${note}more\n`);
  await capLog(join(dir, "no such log"), 100);
});

test("a runner's socket is reachable by its user alone, also where the path would be too long", async () => {
  const long = join(dir, "x".repeat(120));
  await mkdir(long);
  for (const dataDir of [dir, long]) {
    const path = await prepareSocketPath(dataDir);
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100);
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
  }
  expect(await prepareSocketPath(long)).not.toBe(await prepareSocketPath(`${long}y`));
});

test("a socket directory that others can enter is refused", async () => {
  await mkdir(join(dir, "run"), { mode: 0o755 });
  await expect(prepareSocketPath(dir)).rejects.toThrow(/chmod it to 700/);
});

test("values cross a channel whole however they are cut, and one without end ends the connection", async () => {
  const received: unknown[] = [];
  const channels: Channel[] = [];
  const closed = Promise.withResolvers<Error | undefined>();
  const server = createServer((socket) => {
    channels.push(new Channel(socket, { onValue: (value) => void received.push(value), onClose: closed.resolve }));
  });
  const path = join(dir, "socket");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const socket = connect(path);
  socket.on("error", () => undefined);
  const text = Buffer.from(`${JSON.stringify({ name: "Grüße" })}\n${JSON.stringify([1])}\n`);
  for (const byte of text) socket.write(Buffer.of(byte));
  await expect.poll(() => received, { timeout: 10_000 }).toEqual([{ name: "Grüße" }, [1]]);
  socket.write("x".repeat(5 * 1024 * 1024));
  expect((await closed.promise)?.message).toMatch(/exceeds/);
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});
