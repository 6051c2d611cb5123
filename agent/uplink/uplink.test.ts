import { expect, test } from "vitest";
import { pauseMs } from "./uplink.ts";

const timing = { backoffBaseMs: 300, backoffMaxMs: 1_200 };
const pauses = (controllers: number, count: number) =>
  Array.from({ length: count }, (_, retry) => pauseMs(retry, controllers, timing));

test("a single controller is left alone for twice as long after each failure, up to a limit", () => {
  expect(pauses(1, 5)).toEqual([300, 600, 1_200, 1_200, 1_200]);
});

test("a round of several controllers takes as long as one retry of a single one", () => {
  expect(pauses(3, 12)).toEqual([100, 100, 100, 200, 200, 200, 400, 400, 400, 400, 400, 400]);
});
