import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { jsonLines } from "./json-lines.ts";

async function valuesIn(chunks: readonly Buffer[]): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of jsonLines(Readable.from(chunks))) values.push(value);
  return values;
}

test("values are found however the text is cut, the last one also without its newline", async () => {
  const text = Buffer.from('{"a":"ü"}\r\n\n{"b":2}\n{"c":3}');
  const chunks = Array.from(text, (byte) => Buffer.from([byte]));
  expect(await valuesIn(chunks)).toEqual([{ a: "ü" }, { b: 2 }, { c: 3 }]);
});

test("a line without end is refused instead of being held", async () => {
  await expect(valuesIn([Buffer.alloc(2 * 1024 * 1024, "x")])).rejects.toThrow("exceeds");
});
