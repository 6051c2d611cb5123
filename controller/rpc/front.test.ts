import { afterEach, expect, test, vi } from "vitest";
import { Front, type Handlers } from "./front.ts";

afterEach(() => vi.useRealTimers());

/** A term that is asked once, and answers when it is told to. */
function askedOnce(front: Front): () => void {
  let answer = (): void => undefined;
  const scheduler = {
    GetClusterStatus: (_: unknown, callback: (error: null) => void) => {
      answer = () => callback(null);
    },
  };
  front.lead({ scheduler, agent: {} } as unknown as Handlers);
  const ask = front.handlers.scheduler.GetClusterStatus as unknown as (call: object, callback: () => void) => void;
  ask({}, () => undefined);
  return () => answer();
}

async function isDrained(draining: Promise<void>): Promise<boolean> {
  const notYet = Symbol("not yet");
  return (await Promise.race([draining, Promise.resolve().then(() => notYet)])) !== notYet;
}

test("calls that are under way have their answers before a term ends", async () => {
  const front = new Front();
  const answer = askedOnce(front);
  const draining = front.drain();
  expect(await isDrained(draining)).toBe(false);
  answer();
  await draining;
});

test("a call that takes long keeps the next leader waiting for half a second at most", async () => {
  vi.useFakeTimers();
  const front = new Front();
  askedOnce(front);
  const draining = front.drain();
  await vi.advanceTimersByTimeAsync(499);
  expect(await isDrained(draining)).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await draining;
});
