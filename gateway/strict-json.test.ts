import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestError } from "../base/errors.ts";
import { MAX_JSON_DEPTH, MAX_JSON_VALUES, parseStrictJson } from "./strict-json.ts";

const parse = (text: string) => parseStrictJson(Buffer.from(text));

function problemOf(text: string | Uint8Array): string {
  try {
    parseStrictJson(typeof text === "string" ? Buffer.from(text) : text);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    expect(error.code).toBe("invalid");
    const [problem] = error.fields;
    const isPlain = problem?.message.startsWith("is not valid JSON");
    expect(error.message).toBe(`Invalid request body${isPlain ? "" : `: ${problem?.field} ${problem?.message}`}`);
    return `${problem?.field} ${problem?.message}`;
  }
  return "accepted";
}

test("whatever JSON.stringify makes is read back the same", () => {
  const anything = fc.jsonValue({ maxDepth: 8 }).map((value) => JSON.stringify(value));
  const harmless = anything.filter((text) => !text.includes("__proto__"));
  fc.assert(
    fc.property(harmless, (text) => {
      expect(JSON.stringify(parse(text))).toBe(text);
    }),
  );
});

test("whatever is accepted is what JSON.parse gives, and nothing else is thrown than a refusal", () => {
  const words = ["{", "}", "[", "]", ",", ":", '"', "\\", '"a"', '"a\\""', "1", " ", "null", '"__proto__"'];
  const texts = fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(texts, (text) => {
      const isAccepted = problemOf(text) === "accepted";
      expect(isAccepted ? parse(text) : null).toEqual(isAccepted ? JSON.parse(text) : null);
    }),
    { numRuns: 2_000 },
  );
});

describe("refuses", () => {
  test.each([
    ["a name given twice", '{"a":1,"b":2,"a":3}', "a is given twice"],
    ["a name given twice with an escape", '{"a":1,"\\u0061":3}', "a is given twice"],
    ["a name given twice behind a string that ends in backslashes", '{"a":"\\\\","a":3}', "a is given twice"],
    ["the empty name given twice", '{"":1,"":2}', '"" is given twice'],
    ["a name given twice in an object in a list", '[1,{"a":1,"a":3}]', "a is given twice"],
    ["__proto__", '{"__proto__":1}', "__proto__ is not a name that can be used"],
    ["__proto__ with an escape", '{"__pro\\u0074o__":1}', "__proto__ is not a name that can be used"],
    ["the empty text", "", "body is not valid JSON"],
    ["what follows the value", "{} {}", "body is not valid JSON at position 3"],
    ["a byte order mark", "\ufeff{}", "body starts with a byte order mark"],
    ["a level too many", "[".repeat(MAX_JSON_DEPTH + 1), `body is nested more than ${MAX_JSON_DEPTH} levels deep`],
    ["a value too many", `[${"1,".repeat(MAX_JSON_VALUES)}1]`, `body has more than ${MAX_JSON_VALUES} values`],
  ])("%s", (_what, text, problem) => {
    expect(problemOf(text)).toContain(problem);
  });

  test("invalid UTF-8", () => {
    expect(problemOf(Buffer.from([0x22, 0xff, 0x22]))).toBe("body is not valid UTF-8");
  });
});

describe("accepts", () => {
  test.each([
    ["one name in several objects", '{"a":{"a":1},"b":{"a":1}}'],
    ["a string that looks like a name given twice", '{"a":"\\",\\"a\\":1"}'],
    ["a value that is the same as a name", '{"a":"a","b":["a","a"]}'],
    ["as many levels as allowed", "[".repeat(MAX_JSON_DEPTH) + "]".repeat(MAX_JSON_DEPTH)],
    ["a string of __proto__", '{"a":"__proto__"}'],
  ])("%s", (_what, text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });
});
