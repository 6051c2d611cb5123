import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { InvariantError } from "../../base/assert.ts";
import { RequestError } from "../../base/errors.ts";
import { createLogger } from "../../base/logger.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import { LateStarts } from "../core/late-start.ts";
import { Questions } from "./questions.ts";
import { StartWatch } from "./start-watch.ts";

const HOUR_MS = 3_600_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A watch over an empty cluster, whose forecasts fail as often as the test says. */
function watched() {
  const w = new CoreWorld();
  const questions = new Questions(async (look) => look(w.state, w.now), { monotonicMs: () => 0, wallMs: () => 0 });
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const look = vi.spyOn(LateStarts.prototype, "look");
  const watch = new StartWatch(questions, createLogger({ level: "info", format: "json", destination: { write } }));
  const failOnce = (error: Error) =>
    look.mockImplementationOnce(function* fail() {
      yield;
      throw error;
    });
  /** Lets so much time pass, and whatever was begun in it come to its end. */
  const pass = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return { watch, look, lines, failOnce, pass };
}

test("a forecast that fails is logged with its stack, and the next look is learnt from", async () => {
  const { watch, look, lines, failOnce, pass } = watched();
  failOnce(new InvariantError("planted"));
  await pass(30_000);
  expect(lines).toMatchObject([
    {
      level: 50,
      err: { type: "InvariantError", message: "planted", stack: expect.stringContaining(import.meta.filename) },
    },
  ]);
  await pass(30_000);
  await pass(30_000);
  expect(look).toHaveBeenCalledTimes(3);
  expect(lines).toHaveLength(1);
  await watch.close();
});

test("forecasts that go on failing are tried more and more rarely, at least once an hour", async () => {
  const { watch, look, lines, failOnce, pass } = watched();
  for (let time = 0; time < 12; time += 1) failOnce(new InvariantError("planted"));
  const waits = [30, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600, 3_600, 3_600].map((s) => s * 1_000);
  for (const [index, waitMs] of waits.entries()) {
    await pass(waitMs - 1);
    expect(look).toHaveBeenCalledTimes(index);
    await pass(1);
    expect(look).toHaveBeenCalledTimes(index + 1);
  }
  expect(lines).toHaveLength(12);
  expect(lines.at(-1)).toMatchObject({ failures: 12, retryMs: HOUR_MS });
  // The last one went well.
  await pass(30_000);
  expect(look).toHaveBeenCalledTimes(waits.length + 1);
  await watch.close();
});

test("too many questions at once end no learning, and are no error", async () => {
  const { watch, look, lines, failOnce, pass } = watched();
  failOnce(new RequestError("overloaded", "too many requests are waiting"));
  await pass(30_000);
  await pass(30_000);
  expect(look).toHaveBeenCalledTimes(2);
  expect(lines).toEqual([]);
  await watch.close();
});

test("nothing is looked at any more once the term is over or the watch is closed", async () => {
  const over = watched();
  over.failOnce(new RequestError("unavailable", "the controller does not lead any more"));
  await over.pass(30_000);
  await over.pass(HOUR_MS);
  expect(over.look).toHaveBeenCalledTimes(1);
  expect(over.lines).toEqual([]);
  const closed = watched();
  closed.failOnce(new InvariantError("planted"));
  await closed.watch.close();
  await closed.pass(HOUR_MS);
  expect(closed.lines).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
