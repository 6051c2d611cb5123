import { expect, test } from "vitest";
import { type Call, isLinearizable, type Model } from "./linearizability.ts";

type Operation = { readonly write: number } | { readonly read: number };

/** A register that holds a number, 0 in the beginning. */
const register: Model<number, Operation> = {
  initial: 0,
  step: (value, operation) => {
    if ("write" in operation) return operation.write;
    return operation.read === value ? value : undefined;
  },
  keyOf: String,
};

function write(value: number, invokedMs: number, returnedMs?: number): Call<Operation> {
  return { operation: { write: value }, invokedMs, returnedMs };
}

function read(value: number, invokedMs: number, returnedMs: number): Call<Operation> {
  return { operation: { read: value }, invokedMs, returnedMs };
}

test.each<[string, readonly Call<Operation>[]]>([
  ["nothing at all", []],
  ["one after the other", [write(1, 0, 1), read(1, 2, 3)]],
  ["a read that is under way with the write sees the old value", [write(1, 0, 9), read(0, 1, 2)]],
  ["a read that is under way with the write sees the new value", [write(1, 0, 9), read(1, 1, 2)]],
  [
    "two writes under way take effect in either order",
    [write(1, 0, 9), write(2, 0, 9), read(2, 1, 8), read(1, 10, 11)],
  ],
  ["a write without an answer happened", [write(1, 0), read(1, 5, 6)]],
  ["a write without an answer never happened", [write(1, 0), read(0, 5, 6)]],
  ["a write without an answer happened late", [write(1, 0), read(0, 5, 6), read(1, 7, 8)]],
])("%s", (_, history) => {
  expect(isLinearizable(history, register)).toBe(true);
});

test.each<[string, readonly Call<Operation>[]]>([
  ["a value that nobody wrote", [read(7, 0, 1)]],
  ["a stale read after the write was answered", [write(1, 0, 1), read(0, 2, 3)]],
  ["a read that goes back to the old value", [write(1, 0, 9), read(1, 1, 2), read(0, 3, 4)]],
  ["two readers that disagree on the order", [write(1, 0, 1), write(2, 2, 9), read(2, 3, 4), read(1, 5, 6)]],
  ["a write without an answer that happened and was undone", [write(1, 0), read(1, 5, 6), read(0, 7, 8)]],
  ["a value before it was written", [read(1, 0, 1), write(1, 2, 3)]],
])("refuses %s", (_, history) => {
  expect(isLinearizable(history, register)).toBe(false);
});

test("many calls under way at once are searched in reasonable time", () => {
  const writes = Array.from({ length: 10 }, (_, index) => write(index, 0, 100));
  const reads = Array.from({ length: 10 }, (_, index) => read(9 - index, 10 * index, 10 * index + 5));
  expect(isLinearizable([...writes, ...reads], register)).toBe(true);
  expect(isLinearizable([...writes, ...reads, read(5, 200, 201), read(6, 202, 203)], register)).toBe(false);
});
