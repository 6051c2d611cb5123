import { expect, test } from "vitest";
import { Intake } from "./intake.ts";

/** An intake with so many submissions under way, and a clock that stands. */
function crowd(count: number) {
  const clock = { nowMs: 0 };
  const intake = new Intake(() => clock.nowMs);
  const answers = Array.from({ length: count }, () => Promise.withResolvers<void>());
  const underWay = answers.map(({ promise }) => intake.admit(() => promise));
  const answer = async (index: number) => {
    answers[index]?.resolve();
    await underWay[index];
  };
  return { intake, clock, answer };
}

const done = () => Promise.resolve("done");

test("a crowd that is answered in time is let in", async () => {
  const { intake, clock } = crowd(500);
  clock.nowMs = 299;
  expect(await intake.admit(done)).toBe("done");
});

test("when the oldest of a crowd waits for long, the next is turned away until that one has its answer", async () => {
  const { intake, clock, answer } = crowd(16);
  clock.nowMs = 301;
  let begun = false;
  const begin = () => {
    begun = true;
    return done();
  };
  await expect(intake.admit(begin)).rejects.toMatchObject({ code: "overloaded" });
  expect(begun).toBe(false);
  await answer(0);
  expect(await intake.admit(begin)).toBe("done");
});

test("a few that wait for long turn nobody away", async () => {
  const { intake, clock } = crowd(15);
  clock.nowMs = 60_000;
  expect(await intake.admit(done)).toBe("done");
});

test("more than a thousand are never under way", async () => {
  const { intake, answer } = crowd(1_000);
  await expect(intake.admit(done)).rejects.toMatchObject({ code: "overloaded" });
  await answer(500);
  expect(await intake.admit(done)).toBe("done");
});

test("work that fails is no longer under way", async () => {
  const { intake, clock } = crowd(15);
  await expect(intake.admit(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  clock.nowMs = 301;
  expect(await intake.admit(done)).toBe("done");
});
