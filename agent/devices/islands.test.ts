import { expect, test } from "vitest";
import { asDeviceId } from "../../base/ids.ts";
import { connectedIslands } from "./islands.ts";

function islands(count: number, links: readonly (readonly [number, number])[]) {
  const ids = Array.from({ length: count }, (_, at) => asDeviceId(`gpu-${at}`));
  const found = connectedIslands(
    ids,
    links.map(([a, b]) => ({ a: asDeviceId(`gpu-${a}`), b: asDeviceId(`gpu-${b}`) })),
  );
  return ids.map((id) => found.get(id));
}

test("what is linked through others is one island, and what is linked to nothing is on none", () => {
  expect(islands(0, [])).toEqual([]);
  expect(islands(2, [])).toEqual([undefined, undefined]);
  expect(
    islands(6, [
      [0, 3],
      [1, 4],
      [3, 5],
    ]),
  ).toEqual([0, 1, undefined, 0, 1, 0]);
});
