import { statfs } from "node:fs/promises";
import { messageOf, systemErrorCode } from "../../base/errors.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
/** With fewer than this share of its inodes left, a disk takes no image whatever room it has. */
const MIN_INODE_SHARE = 0.01;

/** How much of a disk must stay free: so many bytes, or such a share of it. Of several, the least counts. */
export interface MinFree {
  readonly bytes: number | undefined;
  /** From 0 to 1. */
  readonly share: number | undefined;
}

/** A directory whose disk must not fill up. */
export interface Place {
  readonly directory: string;
  /** What is kept there, for people: `Docker's data`. */
  readonly what: string;
}

/** How a disk is filled. */
export interface DiskRoom {
  readonly totalBytes: number;
  /** What is left for those who are not root. */
  readonly freeBytes: number;
  /** Of all its inodes; undefined where the file system does not count them. */
  readonly freeInodeShare: number | undefined;
}

/** undefined where there is no such directory: that of an engine in another's file system. */
export async function readRoom(directory: string): Promise<DiskRoom | undefined> {
  try {
    const { blocks, bavail, bsize, files, ffree } = await statfs(directory);
    const freeInodeShare = files > 0 ? ffree / files : undefined;
    return { totalBytes: blocks * bsize, freeBytes: bavail * bsize, freeInodeShare };
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "EACCES") return undefined;
    throw error;
  }
}

/** How many bytes of that disk must be free. */
export function requiredBytes(minFree: MinFree, totalBytes: number): number {
  const { bytes = Number.POSITIVE_INFINITY, share } = minFree;
  const least = Math.min(bytes, share === undefined ? Number.POSITIVE_INFINITY : share * totalBytes);
  return Number.isFinite(least) ? least : 0;
}

/** Whether less is free than must be; `times` the requirement. */
export function lacksRoom(room: DiskRoom, minFree: MinFree, times = 1): boolean {
  const required = requiredBytes(minFree, room.totalBytes);
  if (required === 0) return false;
  const lacksInodes = room.freeInodeShare !== undefined && room.freeInodeShare < MIN_INODE_SHARE * times;
  return room.freeBytes < required * times || lacksInodes;
}

/** Why no new job may come to a host with these disks: a sentence, or undefined when there is room. */
export async function roomProblem(places: readonly Place[], minFree: MinFree): Promise<string | undefined> {
  for (const { directory, what } of places) {
    let room: DiskRoom | undefined;
    try {
      room = await readRoom(directory);
    } catch (error) {
      return `the disk of ${what} cannot be looked at (${directory}): ${messageOf(error)}`;
    }
    if (!room || !lacksRoom(room, minFree)) continue;
    return `the disk of ${what} (${directory}) has ${shortageOf(room, minFree)}; jobs are taken again when there is room`;
  }
  return undefined;
}

function shortageOf(room: DiskRoom, minFree: MinFree): string {
  const required = requiredBytes(minFree, room.totalBytes);
  if (room.freeBytes >= required) return "hardly any inodes left";
  return `${formatBytes(room.freeBytes)} left, less than the ${formatBytes(required)} that must stay free`;
}

/** As people say it: `1.5 GiB`, `300 MiB`. */
export function formatBytes(bytes: number): string {
  return bytes >= GIB ? `${(bytes / GIB).toFixed(1)} GiB` : `${Math.floor(bytes / MIB)} MiB`;
}
