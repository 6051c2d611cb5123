import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCsv } from "./csv.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "csv-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

function fileOf(content: string | Uint8Array): string {
  const path = join(directory, "table.csv");
  writeFileSync(path, content);
  return path;
}

/** The rows as they are read, each with its line in front. */
function rowsOf(content: string | Uint8Array): (string | number)[][] {
  const { columns, rows } = readCsv(fileOf(content));
  return rows.map(({ line, cell }) => [line, ...columns.map(cell)]);
}

describe("a table is read", () => {
  const plain = [
    [2, "1", "2"],
    [3, "3", ""],
  ];
  test.each([
    ["with line feeds", "a,b\n1,2\n3,\n"],
    ["with carriage returns", "a,b\r\n1,2\r\n3,\r\n"],
    ["with carriage returns alone", "a,b\r1,2\r3,\r"],
    ["without a last line end", "a,b\n1,2\n3,"],
    ["with a byte order mark", "\ufeffa,b\n1,2\n3,\n"],
    ["with blanks around cells", " a ,b\n 1,2 \n3, \t\n"],
    ["with quoted cells", '"a","b"\n"1", "2" \n3,""\n'],
    ["gzipped, whatever its name is", gzipSync("a,b\n1,2\n3,\n")],
  ])("%s", (_, content) => expect(rowsOf(content)).toEqual(plain));

  test("with commas, quotes and line ends within quotes", () => {
    expect(rowsOf('a,b\n"1,""x""\r\ny",2\n3,4')).toEqual([
      [2, '1,"x"\r\ny', "2"],
      [4, "3", "4"],
    ]);
  });

  test("without its empty lines", () => {
    expect(rowsOf("\na,b\n\n1,2\n  \n3,4\n\n")).toEqual([
      [4, "1", "2"],
      [6, "3", "4"],
    ]);
  });

  test("with a heading alone", () => {
    expect(readCsv(fileOf("a,b\n"))).toEqual({ columns: ["a", "b"], rows: [] });
  });

  test("a column that is not there is empty", () => {
    const [row] = readCsv(fileOf("a\n1\n")).rows;
    expect([row?.cell("a"), row?.cell("b")]).toEqual(["1", ""]);
  });
});

describe("what is no table says where and why:", () => {
  test.each([
    ["nothing", "", /table\.csv is empty/],
    ["only line ends", "\n\r\n\n", /table\.csv is empty/],
    ["a row that is too short", "a,b\n1,2\n1\n", /table\.csv, line 3: the row has 1 cells, the heading 2/],
    ["a row that is too long", "a,b\n1,2,3\n", /table\.csv, line 2: the row has 3 cells, the heading 2/],
    ["a column twice", "a,b,a\n", /table\.csv, line 1: there are two columns a/],
    ["a quote that is not closed", 'a,b\n1,2\n"1,2\n3,4\n', /table\.csv, line 3: the quotes of cell 1 do not match/],
    ["text behind a quote", 'a,b\n1,"2"x\n', /table\.csv, line 2: the quotes of cell 2 do not match/],
    ["a quote within a plain cell", 'a,b\n1,2"\n', /table\.csv, line 2: the quotes of cell 2 do not match/],
    [
      "half a gzipped file",
      gzipSync("a,b\n1,2\n").subarray(0, 20),
      /table\.csv cannot be read: unexpected end of file/,
    ],
  ])("%s", (_, content, message) => expect(() => readCsv(fileOf(content))).toThrow(message));

  test("a file that is not there, and a directory", () => {
    expect(() => readCsv(join(directory, "none"))).toThrow(/none cannot be read: ENOENT/);
    expect(() => readCsv(directory)).toThrow(/cannot be read: EISDIR/);
  });
});
