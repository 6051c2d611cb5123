import { afterEach, expect, test } from "vitest";
import { createLogger, type Logger, silentLogger } from "../../base/logger.ts";
import { ServiceStack } from "../../base/service.ts";
import { type FakeScheduler, type LogScript, startFakeScheduler } from "../../test/support/fake-scheduler.ts";
import { sampleJob } from "../../test/support/scheduler-samples.ts";
import { type Gateway, startGateway } from "../gateway.ts";

const stack = new ServiceStack();
afterEach(() => stack.close());

async function start(
  script: LogScript,
  log: Logger = silentLogger,
): Promise<{ fake: FakeScheduler; gateway: Gateway; url: string }> {
  const fake = stack.add(await startFakeScheduler({ StreamLogs: () => script }));
  const gateway = stack.add(
    await startGateway({ listen: "127.0.0.1:0", controllers: [fake.address], rateLimit: 1_000, log }),
  );
  return { fake, gateway, url: `http://${gateway.address}/api/v1/jobs/${sampleJob.id}/logs` };
}

test("logs are plain text, byte for byte, whatever they hold", async () => {
  const bytes = Buffer.from([0x00, 0xff, 0x1b, 0x5b, 0x3c, 0x73, 0x63, 0x72, 0x69, 0x70, 0x74, 0x3e]);
  const { url } = await start({ chunks: [bytes, "\nend"] });
  const response = await fetch(url);
  expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.concat([bytes, Buffer.from("\nend")]));
});

test("the parameters arrive", async () => {
  const { fake, url } = await start({ chunks: [] });
  expect((await fetch(`${url}?follow=true&tail=0&rank=3&stream=stderr`)).status).toBe(200);
  expect(fake.received("StreamLogs")).toEqual([
    expect.objectContaining({
      job_id: sampleJob.id,
      follow: true,
      tail_lines: 0,
      rank: 3,
      stream: "LOG_STREAM_STDERR",
    }),
  ]);
});

test("a followed log arrives while the job still runs, and a reader that leaves cancels the stream", async () => {
  const { fake, url } = await start({ chunks: ["first line\n"], staysOpen: true });
  const reader = new AbortController();
  const response = await fetch(`${url}?follow=true`, { signal: reader.signal });
  const { value } = await (response.body as ReadableStream<Uint8Array>).getReader().read();
  expect(Buffer.from(value ?? []).toString()).toBe("first line\n");
  expect(fake.cancelledStreams()).toBe(0);
  reader.abort();
  await expect.poll(() => fake.cancelledStreams()).toBe(1);
});

test("a reader that does not read holds up the source instead of filling memory", async () => {
  const chunk = Buffer.alloc(64 * 1024);
  const count = 1_024;
  const { fake, url } = await start({ chunks: Array<Buffer>(count).fill(chunk) });
  const reader = new AbortController();
  const response = await fetch(url, { signal: reader.signal });
  let before = -1;
  // Settled: as much was sent as there is room for on the way.
  await expect
    .poll(() => fake.chunksSent() === before || ((before = fake.chunksSent()), false), {
      interval: 200,
      timeout: 10_000,
    })
    .toBe(true);
  expect(fake.chunksSent()).toBeLessThan(count / 2);
  let received = 0;
  for await (const part of response.body as ReadableStream<Uint8Array>) received += part.length;
  expect(received).toBe(count * chunk.length);
});

test("a log that breaks off in the middle is not taken for whole", async () => {
  const { fake, url } = await start({ chunks: ["first line\n"], staysOpen: true });
  const response = await fetch(`${url}?follow=true`);
  await fake.close();
  await expect(response.text()).rejects.toThrow();
});

test("closing the gateway ends followed logs", async () => {
  const { gateway, url } = await start({ chunks: ["first line\n"], staysOpen: true });
  const response = await fetch(`${url}?follow=true`);
  await gateway.close();
  await expect(response.text()).rejects.toThrow();
});

test.each([
  ["at its beginning", ["first line\n"]],
  ["in the middle of much that it has not read", Array<Buffer>(1_024).fill(Buffer.alloc(64 * 1024))],
])("a reader that leaves a followed log %s is no failure of ours", async (_where, chunks) => {
  const lines: string[] = [];
  const log = createLogger({ level: "debug", format: "json", destination: { write: (line) => lines.push(line) } });
  const { fake, url } = await start({ chunks, staysOpen: true }, log);
  const reader = new AbortController();
  const response = await fetch(`${url}?follow=true`, { signal: reader.signal });
  await (response.body as ReadableStream<Uint8Array>).getReader().read();
  reader.abort();
  await expect.poll(() => fake.cancelledStreams()).toBe(1);
  await expect.poll(() => lines.some((line) => line.includes('"status":"aborted"'))).toBe(true);
  // What the handler does about it, it does once the stream has told it.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(lines.filter((line) => /"level":[4-6]0/.test(line))).toEqual([]);
});

test("a log that breaks off because its controller went away is told as that", async () => {
  const lines: string[] = [];
  const log = createLogger({ level: "warn", format: "json", destination: { write: (line) => lines.push(line) } });
  const { fake, url } = await start({ chunks: ["first line\n"], staysOpen: true }, log);
  const response = await fetch(`${url}?follow=true`);
  await fake.close();
  await expect(response.text()).rejects.toThrow();
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(["scheduler not available"]);
});
