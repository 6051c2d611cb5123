import { expect, test } from "vitest";
import { parseReply } from "./connection.ts";

const HEAD = "HTTP/1.1 503 Service Unavailable\r\nX-Request-Id: a\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\n";

test("an answer is read when it is whole, and not before", () => {
  const whole = `${HEAD}body`;
  for (let length = 0; length < whole.length; length += 1) expect(parseReply(whole.slice(0, length))).toBeUndefined();
  expect(parseReply(whole)).toEqual({ status: 503, body: "body", hasRetryAfter: true });
});

test("an answer without the time to wait has none", () => {
  expect(parseReply("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}")).toMatchObject({
    status: 201,
    hasRetryAfter: false,
  });
});
