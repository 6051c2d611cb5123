import { expect, test } from "vitest";
import { Readers } from "./readers.ts";

const { signal } = new AbortController();

test("a container without readers need not wait", async () => {
  await new Readers().clear("job-1-1-0", 600_000, signal);
});

test("a container waits for its own readers, and cuts none of them off", async () => {
  const readers = new Readers();
  const [first, second] = [readers.enter("job-1-1-0"), readers.enter("job-1-1-0")];
  const other = readers.enter("job-2-1-0");
  let isClear = false;
  const clearing = readers.clear("job-1-1-0", 600_000, signal).then(() => {
    isClear = true;
  });
  first.leave();
  await new Promise(setImmediate);
  expect(isClear).toBe(false);
  expect(second.cut.aborted).toBe(false);
  second.leave();
  await clearing;
  expect(other.cut.aborted).toBe(false);
});

test("a reader who came later is not waited for", async () => {
  const readers = new Readers();
  const early = readers.enter("job-1-1-0");
  const clearing = readers.clear("job-1-1-0", 600_000, signal);
  const late = readers.enter("job-1-1-0");
  early.leave();
  await clearing;
  expect(late.cut.aborted).toBe(false);
});

test("a reader who takes too long is cut off", async () => {
  const readers = new Readers();
  const slow = readers.enter("job-1-1-0");
  await readers.clear("job-1-1-0", 1, signal);
  expect(slow.cut.aborted).toBe(true);
});
