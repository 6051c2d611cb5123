import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { logEntries, timeAfter } from "./log-entries.ts";

const TIME = "2026-01-02T03:04:05.000000001Z";

function frame(type: number, content: string): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(Buffer.byteLength(content), 4);
  return Buffer.concat([header, Buffer.from(content)]);
}

async function entriesIn(chunks: readonly Buffer[]): Promise<[string, string, string][]> {
  const found: [string, string, string][] = [];
  for await (const entries of logEntries(Readable.from(chunks))) {
    for (const { stream, time, data } of entries) found.push([stream, time, Buffer.from(data).toString()]);
  }
  return found;
}

test("entries are found however the answer is cut into pieces", async () => {
  const answer = Buffer.concat([frame(1, `${TIME} out line\n`), frame(2, `${TIME} err\n`), frame(1, `${TIME} `)]);
  const expected = [
    ["stdout", TIME, "out line\n"],
    ["stderr", TIME, "err\n"],
    ["stdout", TIME, ""],
  ];
  for (const size of [1, 7, 8, 9, answer.length]) {
    const chunks = Array.from({ length: Math.ceil(answer.length / size) }, (_, index) =>
      answer.subarray(index * size, (index + 1) * size),
    );
    expect(await entriesIn(chunks)).toEqual(expected);
  }
});

test("what is no frame is refused instead of being held", async () => {
  await expect(entriesIn([Buffer.from("plain text that is not in frames")])).rejects.toThrow(
    "not a stream of log frames",
  );
});

test("an error of the engine within its answer is one", async () => {
  await expect(entriesIn([frame(3, "file is gone")])).rejects.toThrow("Docker could not read the output: file is gone");
});

test("the moment after an entry is a nanosecond later", () => {
  expect(timeAfter("1970-01-01T00:00:01.999999999Z")).toBe("2.000000000");
  expect(timeAfter("1970-01-01T00:00:01.5Z")).toBe("1.500000001");
  expect(timeAfter("1970-01-01T00:00:01Z")).toBe("1.000000001");
  expect(timeAfter("nonsense")).toBeUndefined();
});
