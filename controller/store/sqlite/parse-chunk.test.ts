import { expect, test } from "vitest";
import { ChunkParser } from "./parse-chunk.ts";

test("equal specs are one value, other rows are each their own", () => {
  const parser = new ChunkParser("data");
  const texts = ["job-1", '{"name":"a"}', "job-2", '{"name":"a"}', "job-3", '{"name":"b"}'];
  parser.add({ table: "spec", texts });
  parser.add({ table: "job", texts });
  expect(parser.rows.map(({ table, key, value }) => [table, key, value["name"]])).toEqual([
    ["spec", "job-1", "a"],
    ["spec", "job-2", "a"],
    ["spec", "job-3", "b"],
    ["job", "job-1", "a"],
    ["job", "job-2", "a"],
    ["job", "job-3", "b"],
  ]);
  const [first, second] = parser.rows;
  expect(second?.value).toBe(first?.value);
  expect(parser.rows[4]?.value).not.toBe(parser.rows[3]?.value);
});
