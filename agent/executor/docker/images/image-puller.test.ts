import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MINUTE_MS } from "../../../../base/time.ts";
import { silentLogger } from "../../../../base/logger.ts";
import type { PullLine } from "./image-pull.ts";
import { ImagePuller } from "./image-puller.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A pull that has begun and that the test ends. */
interface BegunPull {
  readonly image: string;
  readonly signal: AbortSignal;
  end(line?: PullLine): void;
}

function pullerOn(given: { maxPulls?: number; refusal?: string } = {}) {
  const begun: BegunPull[] = [];
  const pulled: string[] = [];
  const pull = async (image: string, _auth: unknown, signal: AbortSignal): Promise<AsyncIterable<unknown>> => {
    const { promise, resolve } = Promise.withResolvers<PullLine>();
    signal.addEventListener("abort", () => resolve({ error: "aborted" }));
    begun.push({ image, signal, end: (line = {}) => resolve(line) });
    return (async function* () {
      yield await promise;
    })();
  };
  const closing = new AbortController();
  const puller = new ImagePuller({
    engine: { pull },
    registryAuth: undefined,
    stallMs: 5 * MINUTE_MS,
    maxPulls: given.maxPulls ?? 3,
    closing: closing.signal,
    log: silentLogger,
    mayPull: async () => given.refusal,
    onPulled: async (image) => void pulled.push(image),
  });
  const never = new AbortController().signal;
  const ask = (image: string, signal = never) => {
    const told: string[] = [];
    return { told, end: puller.pull(image, (message) => told.push(message), signal) };
  };
  return { begun, pulled, ask, closing };
}

/** Lets what is due within so long happen. */
const pass = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

function last<T>(items: readonly T[]): T {
  const item = items.at(-1);
  if (item === undefined) throw new Error("there is none");
  return item;
}

test("those who want one image share its pull, and one who leaves does not end it for the others", async () => {
  const { begun, pulled, ask } = pullerOn();
  const leaving = new AbortController();
  const first = ask("a", leaving.signal);
  const second = ask("a");
  await pass();
  expect(begun).toHaveLength(1);
  leaving.abort();
  expect(await first.end).toBeUndefined();
  expect(last(begun).signal.aborted).toBe(false);
  const third = ask("a");
  expect(third.told).toEqual(["pulling image: 0%"]);
  last(begun).end();
  expect([await second.end, await third.end]).toEqual([undefined, undefined]);
  expect(pulled).toEqual(["a"]);
  expect(begun).toHaveLength(1);
});

test("a pull that nobody waits for any more is given up, and who comes later begins anew", async () => {
  const { begun, ask } = pullerOn();
  const leaving = new AbortController();
  const first = ask("a", leaving.signal);
  await pass();
  leaving.abort();
  await first.end;
  expect(last(begun).signal.aborted).toBe(true);
  const second = ask("a");
  await pass();
  expect(begun).toHaveLength(2);
  last(begun).end();
  expect(await second.end).toBeUndefined();
});

test("only so many images are pulled at once, and the others wait in line and say so", async () => {
  const { begun, ask } = pullerOn({ maxPulls: 1 });
  const a = ask("a");
  const b = ask("b");
  await pass();
  expect(begun.map(({ image }) => image)).toEqual(["a"]);
  expect(b.told).toEqual(["waiting to pull image"]);
  last(begun).end();
  await a.end;
  await pass();
  expect(begun.map(({ image }) => image)).toEqual(["a", "b"]);
  last(begun).end();
  expect(await b.end).toBeUndefined();
});

test("what may pass is tried again after a while, which is told, and not for ever", async () => {
  const { begun, ask } = pullerOn();
  const { told, end } = ask("a");
  for (const waitMs of [1_000, 2_000, 4_000]) {
    await pass();
    const tries = begun.length;
    last(begun).end({ error: "received unexpected HTTP status: 503 Service Unavailable" });
    await pass(waitMs - 1);
    expect(begun).toHaveLength(tries);
    expect(last(told)).toMatch(/its registry fails: .*503 Service Unavailable; trying again in \ds$/);
    await pass(1);
    expect(begun).toHaveLength(tries + 1);
  }
  last(begun).end({ error: "received unexpected HTTP status: 503 Service Unavailable" });
  expect(await end).toMatchObject({ kind: "node", message: expect.stringContaining("503") });
  expect(begun).toHaveLength(4);
});

test("a registry that refuses more requests is given the time that it asks for, unless that is too long", async () => {
  const { begun, ask } = pullerOn();
  const { end } = ask("a");
  await pass();
  last(begun).end({ error: "toomanyrequests: retry-after: 30s" });
  await pass(29_000);
  expect(begun).toHaveLength(1);
  await pass(1_000);
  expect(begun).toHaveLength(2);
  last(begun).end({ error: "toomanyrequests: retry-after: 90s" });
  expect(await end).toMatchObject({ kind: "node", message: expect.stringContaining("refuses more requests") });
});

test("what is the user's to mend is told at once", async () => {
  const { begun, ask } = pullerOn();
  const { end } = ask("a");
  await pass();
  last(begun).end({ error: "manifest unknown" });
  expect(await end).toMatchObject({ kind: "bad-request" });
  expect(begun).toHaveLength(1);
});

test("a node that must not pull says why, and asks nobody", async () => {
  const { begun, ask } = pullerOn({ refusal: "the disk is full" });
  expect(await ask("a").end).toEqual({ kind: "node", message: "could not pull image a: the disk is full" });
  expect(begun).toEqual([]);
});

test("closing ends every wait", async () => {
  const { ask, closing } = pullerOn({ maxPulls: 1 });
  const waits = [ask("a"), ask("b")];
  await pass();
  closing.abort();
  expect(await Promise.all(waits.map(({ end }) => end))).toEqual([undefined, undefined]);
});
