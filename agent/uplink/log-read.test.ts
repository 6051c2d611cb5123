import { once } from "node:events";
import { expect, test } from "vitest";
import { RequestError } from "../../base/errors.ts";
import type { LogData } from "../../proto/generated/gpusched/v1/LogData.ts";
import { LogRead, MAX_CHUNK_BYTES, MAX_UNACKNOWLEDGED_BYTES } from "./log-read.ts";

const sizeOf = (sent: readonly LogData[]): number => sent.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
const patience = { timeout: 10_000, interval: 5 };

function reader(open: (signal: AbortSignal) => AsyncIterable<Uint8Array>) {
  const sent: LogData[] = [];
  const failures: unknown[] = [];
  const read = new LogRead({
    requestId: 7,
    open,
    send: async (data) => void sent.push(data),
    onFailure: (error) => failures.push(error),
  });
  return { sent, failures, read };
}

test("output is sent in chunks of a bounded size, then its end", async () => {
  const output = Buffer.alloc(100_000, "x");
  const { sent, read } = reader(async function* () {
    yield output;
  });
  await read.run();
  expect(Math.max(...sent.map(({ data }) => data?.length ?? 0))).toBe(MAX_CHUNK_BYTES);
  expect(sizeOf(sent)).toBe(100_000);
  expect(sent.at(-1)).toEqual({ request_id: 7, end: true, error: "" });
});

test("no more is sent than the reader may not have taken yet, and each credit lets that much through", async () => {
  const { sent, read } = reader(async function* () {
    for (let count = 0; count < 100; count += 1) yield Buffer.alloc(10_000);
  });
  const finished = read.run();
  await expect.poll(() => sizeOf(sent), patience).toBe(260_000);
  expect(sizeOf(sent)).toBeLessThanOrEqual(MAX_UNACKNOWLEDGED_BYTES);
  read.credit(50_000);
  await expect.poll(() => sizeOf(sent), patience).toBe(310_000);
  while (sizeOf(sent) < 1_000_000) {
    const before = sizeOf(sent);
    read.credit(250_000);
    await expect.poll(() => sizeOf(sent), patience).toBeGreaterThan(before);
  }
  await finished;
  expect(sizeOf(sent)).toBe(1_000_000);
  expect(sent.at(-1)?.end).toBe(true);
});

test("a reader that has gone stops the reading and is sent nothing more", async () => {
  let closed = false;
  const { sent, read } = reader(async function* () {
    try {
      for (let count = 0; count < 1_000; count += 1) yield Buffer.alloc(MAX_CHUNK_BYTES);
    } finally {
      closed = true;
    }
  });
  const finished = read.run();
  await expect.poll(() => sizeOf(sent), patience).toBe(MAX_UNACKNOWLEDGED_BYTES);
  read.cancel();
  await finished;
  expect(closed).toBe(true);
  expect(sent.some(({ end }) => end)).toBe(false);
});

test("a reading that waits for more output is told through its signal that the reader has gone", async () => {
  const { sent, read } = reader(async function* (signal) {
    await once(signal, "abort");
    yield* [];
  });
  const finished = read.run();
  read.cancel();
  await finished;
  expect(sent).toEqual([]);
});

test("what cannot be read ends with the sentence; a failure of our own is logged too", async () => {
  const refused = reader(() => {
    throw new RequestError("not_found", "no output is kept");
  });
  await refused.read.run();
  expect(refused.sent).toEqual([{ request_id: 7, end: true, error: "no output is kept" }]);
  expect(refused.failures).toEqual([]);
  const broken = reader(() => {
    throw new TypeError("bug");
  });
  await broken.read.run();
  expect(broken.sent).toMatchObject([{ end: true, error: "the output could not be read" }]);
  expect(broken.failures).toHaveLength(1);
});
