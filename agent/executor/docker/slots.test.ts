import { expect, test } from "vitest";
import { Slots } from "./slots.ts";

test("no more tasks run at once than there are slots, in order, and a failure gives its slot back", async () => {
  const slots = new Slots(2);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const tasks = [0, 1, 2, 3, 4].map((index) =>
    slots.run(async () => {
      running += 1;
      most = Math.max(most, running);
      order.push(index);
      await Promise.resolve();
      running -= 1;
      if (index === 0) throw new Error("failed");
    }),
  );
  const outcomes = await Promise.allSettled(tasks);
  expect(outcomes.map((it) => it.status)).toEqual(["rejected", "fulfilled", "fulfilled", "fulfilled", "fulfilled"]);
  expect(order).toEqual([0, 1, 2, 3, 4]);
  expect(most).toBe(2);
});
