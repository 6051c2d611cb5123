import type { Node } from "../model/node.ts";
import type { Room, Share } from "./filter.ts";

/** A node that could take a share, with its room. */
export interface Candidate {
  readonly node: Node;
  readonly room: Room;
}

/**
 * Best fit: the node that is left with the fewest free GPUs, so that whole nodes stay free for large jobs; a job without
 * GPUs goes where there are the fewest to block. Then the smallest GPUs that suffice, then the fewest cores left, then the
 * name, so that the same input always gives the same answer.
 */
export function betterFit(a: Candidate, b: Candidate, share: Share): number {
  return (
    gpusLeft(a, share) - gpusLeft(b, share) ||
    smallestMemory(a) - smallestMemory(b) ||
    a.room.cpuCores - b.room.cpuCores ||
    byName(a.node, b.node)
  );
}

/** Orders nodes by name, numbers in names by value: node-2 before node-10. */
export function byName(a: Node, b: Node): number {
  return compareNatural(a.record.name, b.record.name);
}

/** Orders text with the numbers in it by value. */
export function compareNatural(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x = "", y = ""] = [left[i], right[i]];
    if (x === y) continue;
    const numeric = Number(x) - Number(y);
    if (!Number.isNaN(numeric) && numeric !== 0) return numeric;
    return x < y ? -1 : 1;
  }
  return left.length - right.length;
}

function gpusLeft(candidate: Candidate, share: Share): number {
  const { node, room } = candidate;
  return share.gpus === 0 ? node.record.inventory.devices.length : room.devices.length - share.gpus;
}

function smallestMemory(candidate: Candidate): number {
  return candidate.room.devices.reduce((least, device) => Math.min(least, device.memoryMb), Number.MAX_SAFE_INTEGER);
}
