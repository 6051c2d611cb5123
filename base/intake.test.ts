import { describe, expect, test } from "vitest";
import { RequestError } from "./errors.ts";
import { Intake } from "./intake.ts";

const LONGEST_WAIT_MS = 300;
const FIRST = 256;

/** An intake on a clock that goes on only when it is told to, before something that does one thing after the other. */
class World {
  readonly waitsMs: number[] = [];
  /** As overload. */
  refused = 0;
  /** Each is refused for its own sake when its turn has come. */
  forbidsAll = false;
  nowMs = 0;
  readonly intake = new Intake({ longestWaitMs: LONGEST_WAIT_MS, now: () => this.nowMs });
  readonly #queue: (() => void)[] = [];
  #work = 0;

  get queued(): number {
    return this.#queue.length;
  }

  async submit(): Promise<void> {
    const sinceMs = this.nowMs;
    try {
      await this.intake.admit(() => this.#turn());
      this.waitsMs.push(this.nowMs - sinceMs);
    } catch (error) {
      if (error instanceof RequestError && error.code === "overloaded") this.refused += 1;
    }
  }

  async #turn(): Promise<void> {
    await new Promise<void>((resolve) => this.#queue.push(resolve));
    if (this.forbidsAll) throw new RequestError("forbidden", "no");
  }

  /** Milliseconds in each of which so many a millisecond come, and so many are done. */
  async pass(ms: number, { come, done }: { come: number; done: number }): Promise<void> {
    let due = 0;
    for (let passed = 0; passed < ms; passed += 1) {
      this.nowMs += 1;
      for (due += come; due >= 1; due -= 1) void this.submit();
      this.#work = Math.min(this.#work + done, Math.max(1, this.#queue.length));
      for (; this.#work >= 1 && this.#queue.length > 0; this.#work -= 1) this.#queue.shift()?.();
      await settled();
    }
  }
}

/** All that could go on at this moment has. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((one, other) => one - other)[Math.floor(share * values.length)] ?? 0;
}

const overloaded = () => Promise.reject(new RequestError("overloaded", "not now"));

describe("ten times as many as can be taken", () => {
  test.each([0.05, 0.5])(
    "%f a millisecond: those that are let in wait for as long as they may, and nothing stands idle",
    async (done) => {
      const world = new World();
      // Until those that were let in at first, when nothing was known, are done.
      await world.pass(3_000 + FIRST / done, { come: done * 10, done });
      world.waitsMs.splice(0);
      await world.pass(4_000, { come: done * 10, done });
      const few = 32 / done;
      expect(percentile(world.waitsMs, 0.99)).toBeLessThan(Math.max(LONGEST_WAIT_MS, few) * 1.1);
      expect(world.waitsMs.length).toBeGreaterThan(4_000 * done * 0.97);
    },
  );

  test("when less can be taken than before, soon none waits for longer than it may", async () => {
    const world = new World();
    await world.pass(2_000, { come: 5, done: 1 });
    await world.pass(2_000, { come: 5, done: 0.2 });
    world.waitsMs.splice(0);
    await world.pass(2_000, { come: 5, done: 0.2 });
    expect(percentile(world.waitsMs, 0.99)).toBeLessThan(LONGEST_WAIT_MS * 1.1);
  });

  test("after a time in which nothing was answered it is soon as it was", async () => {
    const world = new World();
    await world.pass(2_000, { come: 5, done: 1 });
    await world.pass(5_000, { come: 2, done: 0 });
    await world.pass(1_500, { come: 5, done: 1 });
    world.waitsMs.splice(0);
    await world.pass(1_000, { come: 5, done: 1 });
    expect(world.waitsMs.length).toBeGreaterThan(950);
  });
});

test("what comes at the pace at which it is answered is never turned away", async () => {
  const world = new World();
  await world.pass(10_000, { come: 0.9, done: 1 });
  expect(world.refused).toBe(0);
});

test("a few now and then are let in together, whatever was measured before", async () => {
  const world = new World();
  await world.pass(2_000, { come: 5, done: 1 });
  await world.pass(20_000, { come: 0.001, done: 1 });
  const before = world.refused;
  for (let n = 0; n < 200; n += 1) void world.submit();
  await settled();
  expect(world.refused).toBe(before);
});

test("what is turned away has not begun", async () => {
  const world = new World();
  for (let n = 0; n < FIRST; n += 1) void world.submit();
  await settled();
  let hasBegun = false;
  const begin = () => {
    hasBegun = true;
    return Promise.resolve();
  };
  expect(world.intake.isFull).toBe(true);
  await expect(world.intake.admit(begin)).rejects.toMatchObject({ code: "overloaded" });
  expect(hasBegun).toBe(false);
  await world.pass(1, { come: 0, done: 1 });
  expect(world.intake.isFull).toBe(false);
});

test("one that is refused further down keeps its place until its time is over", async () => {
  const world = new World();
  for (let n = 0; n < FIRST; n += 1) await expect(world.intake.admit(overloaded)).rejects.toThrow("not now");
  expect(world.intake.isFull).toBe(true);
  world.nowMs = LONGEST_WAIT_MS;
  expect(world.intake.isFull).toBe(false);
});

test("when nearly all is refused further down, little more is sent there in vain than is taken", async () => {
  const world = new World();
  let vain = 0;
  const passRefusing = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1) {
      // What is under way beyond these is refused by the other side, at once.
      const isShort = world.queued >= 10;
      for (let n = 0; n < 10; n += 1) {
        if (!isShort) void world.submit();
        else if (!world.intake.isFull)
          void world.intake.admit(() => ((vain += 1), overloaded())).catch(() => undefined);
      }
      await world.pass(1, { come: 0, done: 0.5 });
    }
  };
  await passRefusing(3_000);
  vain = 0;
  world.waitsMs.splice(0);
  await passRefusing(3_000);
  expect(world.waitsMs.length).toBeGreaterThan(500);
  expect(vain).toBeLessThan(world.waitsMs.length * 1.5);
});

test("what is refused for its own sake is answered: it limits nobody", async () => {
  const world = new World();
  world.forbidsAll = true;
  for (let n = 0; n < FIRST / 2; n += 1) void world.submit();
  await world.pass(3_000, { come: 1, done: 1 });
  expect(world.refused).toBe(0);
});

test("a failure leaves no place taken", async () => {
  const world = new World();
  for (let n = 0; n < FIRST * 2; n += 1) {
    await expect(world.intake.admit(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  }
  expect(world.intake.isFull).toBe(false);
});
