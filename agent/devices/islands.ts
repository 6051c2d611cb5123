import type { DeviceId } from "../../base/ids.ts";
import type { DeviceLink } from "./device-source.ts";

/**
 * Numbers the islands of devices that are linked, directly or through others, in the order of their first devices. A
 * device that is linked to no other is on none.
 */
export function connectedIslands(
  ids: readonly DeviceId[],
  links: readonly Pick<DeviceLink, "a" | "b">[],
): ReadonlyMap<DeviceId, number> {
  const neighbours = Map.groupBy(
    links.flatMap(({ a, b }) => [
      { from: a, to: b },
      { from: b, to: a },
    ]),
    ({ from }) => from,
  );
  const islands = new Map<DeviceId, number>();
  let count = 0;
  for (const first of ids) {
    if (islands.has(first) || !neighbours.has(first)) continue;
    const members = [first];
    islands.set(first, count);
    for (const member of members) {
      for (const { to } of neighbours.get(member) ?? []) {
        if (islands.has(to)) continue;
        islands.set(to, count);
        members.push(to);
      }
    }
    count += 1;
  }
  return islands;
}
