import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HashChain } from "./hash-chain.ts";
import { canonicalJson } from "./canonical-json.ts";
import { JournalError, readJournal } from "./read-journal.ts";
import { openLine, sealLine } from "./sealed-line.ts";
import { createHash } from "node:crypto";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gpusched-journal-"));
});
afterEach(() => rm(directory, { recursive: true }));

const SETTINGS = { nodeUnreachableAfterMs: 15_000, nodeLostAfterMs: 300_000 };
const HEADER = { format: 1, version: "0.1.0", clusterId: "c", term: 1, revision: 0, at: 1, settings: SETTINGS };

/** Two rows and two batches on lines 1 to 6. */
function goodLines(): string[] {
  const rows = ["a", "b"].map((key) => sealLine({ table: "node", key, value: { name: key } }));
  const header = sealLine({ ...HEADER, rows: rows.length });
  const loaded = createHash("sha256")
    .update([header, ...rows].join(""))
    .digest("hex");
  const { hash } = new HashChain(header);
  const batch = sealLine({ at: 2, inputs: [{ kind: "tick" }], passed: true, decisions: ["b\u2028c"], hash });
  return [header, ...rows, sealLine({ loaded }), batch, batch];
}

/** How many entries came, and what was wrong then. */
async function read(lines: readonly string[]): Promise<{ kinds: string; error: JournalError | undefined }> {
  const path = join(directory, "journal");
  await writeFile(path, lines.join(""));
  const kinds: string[] = [];
  try {
    for await (const { kind } of readJournal(path)) kinds.push(kind);
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    return { kinds: kinds.join(" "), error };
  }
  return { kinds: kinds.join(" "), error: undefined };
}

test("a whole journal is read from its header to its last batch", async () => {
  expect(await read(goodLines())).toEqual({ kinds: "header row row batch batch", error: undefined });
});

test("a last line that was not written whole is told and left out, wherever it was cut", async () => {
  const lines = goodLines();
  const last = lines.pop() ?? "";
  for (const length of [1, 20, last.length - 2, last.length - 1]) {
    expect(await read([...lines, last.slice(0, length)])).toEqual({
      kinds: "header row row batch cut",
      error: undefined,
    });
  }
});

describe("what cannot be read says on which line and why:", () => {
  const edit = (index: number, from: string, to: string) => (lines: string[]) =>
    lines.map((line, at) => (at === index ? line.replace(from, to) : line));
  const without = (index: number) => (lines: string[]) => lines.filter((_, at) => at !== index);
  test.each([
    ["a changed batch", edit(4, "tick", "tock"), "header row row", "line 5 is damaged: its checksum"],
    ["a changed row", edit(1, '"a"', '"x"'), "header", "line 2 is damaged: its checksum"],
    ["a changed header", edit(0, '"term":1', '"term":2'), "", "line 1 is damaged: the header is not as it was written"],
    ["a lost row", without(1), "header row", "line 3 is damaged: this is no row"],
    ["rows in another order", swapRows, "header row row", "line 4 is damaged: the rows above it are not those"],
    [
      "an end within the header",
      ([header = ""]: string[]) => [header.slice(0, 30)],
      "",
      "line 1 is damaged: the file ends within",
    ],
    ["an end within the rows", (l: string[]) => l.slice(0, 2), "header row", "line 2 is damaged: the file ends before"],
    ["a cut within the rows", cutRow, "header", "line 2 is damaged: the file ends before the state was written whole"],
    ["zeros of a power cut", (l: string[]) => [...l, "\0\0\0\n"], "header row row batch batch", "line 7 is damaged"],
    ["another format", edit(0, '"format":1', '"format":2'), "", "the journal has format 2, written by version 0.1.0"],
    ["some other JSON", () => ['{"a":1}\n'], "", "this is not a journal of gpusched"],
    ["no JSON", () => ["hello\n"], "", "this is not a journal of gpusched"],
    ["nothing", () => [], "", "the file is empty"],
  ])("%s", async (_, change, kinds, message) => {
    const outcome = await read(change(goodLines()));
    expect(outcome.kinds).toBe(kinds);
    expect(outcome.error?.message).toContain(message);
  });

  function swapRows([header = "", a = "", b = "", ...rest]: string[]): string[] {
    return [header, b, a, ...rest];
  }

  function cutRow([header = "", a = ""]: string[]): string[] {
    return [header, a.slice(0, 9)];
  }

  test("a file that is not there", async () => {
    const entries = readJournal(join(directory, "none"));
    const error = await entries.next().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "unreadable", message: expect.stringContaining("ENOENT") as string });
  });
});

test("a sealed line opens to what it was made of, and not once a character is changed", () => {
  const fields = { a: 'x",\u2028\ud800"', b: [1, { c: null }] };
  const line = sealLine(fields).slice(0, -1);
  expect(openLine(line)).toEqual({ ...fields, crc: undefined });
  for (let at = 0; at < line.length; at++) {
    expect(openLine(`${line.slice(0, at)}~${line.slice(at + 1)}`)).toBeUndefined();
  }
});

test("equal values have equal canonical JSON, whatever the order of their fields", () => {
  expect(canonicalJson({ b: [1, undefined, "é"], a: { d: undefined, c: -0 } })).toBe('{"a":{"c":0},"b":[1,null,"é"]}');
  expect(canonicalJson({ a: 1, b: 2 })).toBe(canonicalJson({ b: 2, a: 1 }));
});
