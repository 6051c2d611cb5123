/**
 * Numbers the groups of items that are connected, directly or through others, in the order of their first items. An item
 * that is connected to no other has no group.
 *
 * @param count items are known by their number, from 0
 */
export function connectedGroups(
  count: number,
  areConnected: (a: number, b: number) => boolean,
): readonly (number | undefined)[] {
  const groups = Array<number | undefined>(count).fill(undefined);
  let groupCount = 0;
  for (let first = 0; first < count; first += 1) {
    if (groups[first] !== undefined) continue;
    const members = [first];
    for (const member of members) {
      for (let other = 0; other < count; other += 1) {
        if (members.includes(other) || groups[other] !== undefined) continue;
        if (areConnected(Math.min(member, other), Math.max(member, other))) members.push(other);
      }
    }
    if (members.length === 1) continue;
    for (const member of members) groups[member] = groupCount;
    groupCount += 1;
  }
  return groups;
}
