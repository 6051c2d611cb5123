import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { RequestError } from "../../base/errors.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import type { Outlook } from "../core/outlook.ts";
import type { Slices } from "../core/slices.ts";
import { Questions } from "./questions.ts";

/** Questions about an empty cluster, on a clock that moves on by a millisecond whenever it is looked at. */
function asker(): Questions {
  const w = new CoreWorld();
  let ms = 0;
  const monotonicMs = () => {
    ms += 1;
    return ms;
  };
  const read = async (look: (state: CoreWorld["state"], at: number) => void) => look(w.state, w.now);
  return new Questions(read, { monotonicMs, wallMs: monotonicMs });
}

function* count(slices: number): Slices<number> {
  for (let done = 0; done < slices; done += 1) yield;
  return slices;
}

test("a long question leaves others their turns, and short ones are answered meanwhile", async () => {
  const questions = asker();
  let isAnswered = false;
  const long = questions
    .ask(() => count(1_000))
    .finally(() => {
      isAnswered = true;
    });
  let turns = 0;
  expect(await questions.ask(() => count(3))).toBe(3);
  expect(isAnswered).toBe(false);
  for (; !isAnswered; turns += 1) await turn();
  expect(await long).toBe(1_000);
  expect(turns).toBeGreaterThan(100);
});

test("questions that have waited for the same moment share its outlook, later ones have another", async () => {
  const questions = asker();
  const outlookOf = () =>
    questions.ask(function* answer(_, __, outlook): Slices<Outlook> {
      const mine = outlook();
      yield;
      return mine;
    });
  const first = outlookOf();
  const [second, third] = await Promise.all([outlookOf(), outlookOf()]);
  expect(second).toBe(third);
  expect(await first).not.toBe(second);
});

test("a question that fails is refused, at whatever slice, and the others go on", async () => {
  const questions = asker();
  const refusal = new RequestError("not_found", "Job not found");
  const fail = () => {
    throw refusal;
  };
  const late = questions.ask(function* answer() {
    yield* count(2);
    return fail();
  });
  const answers = await Promise.allSettled([questions.ask(fail), late, questions.ask(() => count(5))]);
  expect(answers).toMatchObject([{ reason: refusal }, { reason: refusal }, { value: 5 }]);
});

test("what is still open when the term ends is refused", async () => {
  const questions = asker();
  const open = [questions.ask(() => count(1_000)), questions.ask(() => count(1_000)), questions.ask(() => count(1))];
  const over = new RequestError("unavailable", "the controller does not lead any more; try again");
  questions.close(over);
  for (const { status } of await Promise.allSettled(open)) expect(status).toBe("rejected");
});
