import { expect, test } from "vitest";
import { type MemberHealth, bytesUntilNextLook, shortageOf } from "./etcd-room.ts";
import { Written } from "./written.ts";

const MIB = 1024 * 1024;
const member = (inUse: number, file = inUse): MemberHealth => ({
  endpoint: "a:1",
  version: "3.5.28",
  quotaBytes: 100 * MIB,
  dbSizeInUseBytes: inUse * MIB,
  dbSizeBytes: file * MIB,
});
const shortage = (members: MemberHealth[], writtenMib = 0) =>
  shortageOf(members, { isFull: false, writtenBytes: writtenMib * MIB });

test("a look counts what was written, save for what etcd may not have counted when it answered", () => {
  const written = new Written();
  written.note(10, 1_000);
  written.note(5, 1_020);
  written.note(100, 1_900);
  expect(written.bytes).toBe(115);
  written.noteLook(1_400);
  expect(written.bytes).toBe(115);
  written.noteLook(2_000);
  expect(written.bytes).toBe(100);
  written.noteLook(3_000);
  expect(written.bytes).toBe(0);
});

test("nothing is forgotten, and little is kept, while nobody answers", () => {
  const written = new Written();
  for (let n = 0; n < 10_000; n += 1) written.note(1, n * 60);
  expect(written.bytes).toBe(10_000);
  written.noteLook(10_000 * 60 - 5_000);
  expect(written.bytes).toBeGreaterThanOrEqual(83);
});

test("what is written counts at once, with what it makes etcd grow by beside it", () => {
  expect(shortage([member(60), member(79)])).toBeUndefined();
  expect(shortage([member(60), member(79)], 1)).toMatch(/^etcd has taken 81 % of its quota, and no new jobs/);
  expect(shortage([member(30, 96)])).toMatch(/^the file of etcd has grown to 96 % .*`etcdctl defrag`/);
  expect(shortageOf([member(1)], { isFull: true, writtenBytes: 0 })).toMatch(/^etcd is full: jobs run on/);
  expect(shortage([])).toBeUndefined();
});

test("the nearer the limit, the less is written before the next look", () => {
  expect(bytesUntilNextLook([member(0)])).toBe(5 * MIB);
  expect(bytesUntilNextLook([member(0), member(64)])).toBe(MIB);
  expect(bytesUntilNextLook([member(80)])).toBe(0);
});
