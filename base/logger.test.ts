import { expect, test } from "vitest";
import { InvariantError } from "./assert.ts";
import { RequestError } from "./errors.ts";
import { createLogger, type Logger } from "./logger.ts";

/** The line that is written when this is logged. */
function logged(log: (logger: Logger) => void): Record<string, unknown> {
  const lines: string[] = [];
  log(createLogger({ level: "info", format: "json", destination: { write: (line) => lines.push(line) } }));
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? "") as Record<string, unknown>;
}

test.each(["err", "error", "cause"])("an error is logged with its message and its stack as %s", (field) => {
  const error = new InvariantError("two jobs on one GPU");
  expect(logged((log) => log.error({ [field]: error, node: "a" }, "failed"))).toMatchObject({
    level: 50,
    msg: "failed",
    node: "a",
    [field]: {
      type: "InvariantError",
      message: "two jobs on one GPU",
      stack: expect.stringContaining(import.meta.filename),
    },
  });
});

test("an error is logged with what caused it", () => {
  const error = new RequestError("internal", "cannot look", { cause: new Error("the disk is full") });
  expect(logged((log) => log.error({ error }, "failed")).error).toMatchObject({
    code: "internal",
    message: "cannot look: the disk is full",
    stack: expect.stringMatching(/caused by: Error: the disk is full/),
  });
});

test("what is no error is logged as it is", () => {
  expect(logged((log) => log.info({ error: "not there", reason: undefined, left: 0 }, "gone"))).toMatchObject({
    error: "not there",
    left: 0,
  });
});
