import { expect, test } from "vitest";
import { connectedGroups } from "./connected-groups.ts";

function groups(count: number, links: readonly (readonly [number, number])[]) {
  return connectedGroups(count, (a, b) => links.some(([from, to]) => from === a && to === b));
}

test("what is connected through others is one group, and what is connected to nothing has none", () => {
  expect(groups(0, [])).toEqual([]);
  expect(groups(2, [])).toEqual([undefined, undefined]);
  const links = [
    [0, 3],
    [1, 4],
    [3, 5],
  ] as const;
  expect(groups(6, links)).toEqual([0, 1, undefined, 0, 1, 0]);
});
