import { expect, onTestFinished, test } from "vitest";
import { SmallDisk, skipWithoutSmallDisk } from "../../test/support/small-disk.ts";
import { formatBytes, lacksRoom, requiredBytes, roomProblem } from "./disk-room.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

test("of a size and a share the least must be free, and of neither nothing", () => {
  expect(requiredBytes({ bytes: 2 * GIB, share: 0.05 }, 10 * GIB)).toBe(0.5 * GIB);
  expect(requiredBytes({ bytes: 2 * GIB, share: 0.05 }, 1_000 * GIB)).toBe(2 * GIB);
  expect(requiredBytes({ bytes: undefined, share: 0.1 }, 100)).toBe(10);
  expect(requiredBytes({ bytes: 7, share: undefined }, 100)).toBe(7);
  expect(requiredBytes({ bytes: undefined, share: undefined }, 100)).toBe(0);
});

test("a disk without inodes lacks room, unless nothing need be free", () => {
  const room = { totalBytes: 100, freeBytes: 90, freeInodeShare: 0.001 };
  expect(lacksRoom(room, { bytes: 1, share: undefined })).toBe(true);
  expect(lacksRoom(room, { bytes: 0, share: undefined })).toBe(false);
  expect(lacksRoom({ ...room, freeInodeShare: undefined }, { bytes: 1, share: undefined })).toBe(false);
  expect(lacksRoom({ ...room, freeInodeShare: 0.5 }, { bytes: 50, share: undefined }, 2)).toBe(true);
});

test("sizes are told as people say them", () => {
  expect([formatBytes(1.55 * GIB), formatBytes(300 * MIB), formatBytes(1)]).toEqual(["1.6 GiB", "300 MiB", "0 MiB"]);
});

test("a disk that fills up is told with what is left, and no more once there is room", async (context) => {
  skipWithoutSmallDisk(context);
  const disk = new SmallDisk(8);
  onTestFinished(() => disk.close());
  const places = [
    { directory: "/does/not/exist", what: "nothing" },
    { directory: disk.directory, what: "the agent's data" },
  ];
  const minFree = { bytes: 2 * MIB, share: undefined };
  expect(await roomProblem(places, minFree)).toBeUndefined();
  disk.fill();
  expect(await roomProblem(places, minFree)).toBe(
    `the disk of the agent's data (${disk.directory}) has 0 MiB left, less than the 2 MiB that must stay free; ` +
      "jobs are taken again when there is room",
  );
  disk.empty();
  expect(await roomProblem(places, minFree)).toBeUndefined();
});
