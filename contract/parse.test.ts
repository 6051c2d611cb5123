import { describe, expect, test } from "vitest";
import { RequestError } from "../base/errors.ts";
import { imageProblem, registryHost } from "./image.ts";
import { jobRequestSchema } from "./job.ts";
import { parseOrRefuse, printable } from "./parse.ts";
import { tenantPatchSchema } from "./tenant.ts";

function refusalOf(parse: () => unknown): RequestError {
  try {
    parse();
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("each fault is named once", () => {
  test("a number that is neither safe nor in its bounds", () => {
    const job = { tenant_id: "t", name: "x", gpu_count: 2 ** 53 };
    expect(refusalOf(() => parseOrRefuse(jobRequestSchema, job, "Invalid")).fields).toEqual([
      { field: "gpu_count", message: "must be a whole number from 0 to 4096" },
    ]);
  });

  test("a change of a tenant that has only a field that is not known", () => {
    const refused = refusalOf(() => parseOrRefuse(tenantPatchSchema, { id: "x" }, "Invalid"));
    expect(refused.fields).toEqual([{ field: "id", message: "is not a known field" }]);
    const empty = refusalOf(() => parseOrRefuse(tenantPatchSchema, {}, "Invalid"));
    expect(empty.message).toBe("Invalid: must change at least one field");
  });
});

test.each([
  ["plain", "plain"],
  ["a\nb\u202e", "a\\u000ab\\u202e"],
  ["\ud800", "\\ud800"],
  ["x".repeat(64), "x".repeat(64)],
  ["x".repeat(65), `${"x".repeat(63)}…`],
  ["é".repeat(64), `${"\\u00e9".repeat(10)}…`],
])("what is echoed is at most 64 characters, and shows what it cannot print: %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
  expect(printable(text).length).toBeLessThanOrEqual(64);
});

test.each([
  ["busybox", undefined],
  ["team/app", undefined],
  ["localhost/app", "localhost"],
  ["LOCALHOST/app", "LOCALHOST"],
  ["Team/app", "Team"],
  ["registry.example.com:5000/app", "registry.example.com"],
])("the registry of %s is %s, as Docker reads it", (image, host) => {
  expect(registryHost(image)).toBe(host);
  expect(imageProblem(image) === undefined).toBe(!/localhost/i.test(image));
});
