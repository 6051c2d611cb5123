import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientOf, RateLimiter } from "./limits.ts";

function limiterAt(perSecond: number, maxClients?: number) {
  const clock = { ms: 0 };
  const limiter = new RateLimiter({ perSecond, now: () => clock.ms, ...(maxClients !== undefined && { maxClients }) });
  return { clock, limiter };
}

const takeMany = (limiter: RateLimiter, client: string, count: number) =>
  Array.from({ length: count }, () => limiter.take(client)).filter(({ allowed }) => allowed).length;

test("a client may make as many requests at once as it may make in a second, and then as many as a second gives", () => {
  const { clock, limiter } = limiterAt(100);
  expect(takeMany(limiter, "a", 150)).toBe(100);
  clock.ms += 250;
  expect(takeMany(limiter, "a", 150)).toBe(25);
  clock.ms += 3_600_000;
  expect(takeMany(limiter, "a", 150)).toBe(100);
});

test("clients do not take from each other", () => {
  const { limiter } = limiterAt(2);
  expect(takeMany(limiter, "a", 5)).toBe(2);
  expect(takeMany(limiter, "b", 5)).toBe(2);
});

test("the decision tells what is left and how long to wait", () => {
  const { limiter } = limiterAt(2);
  expect(limiter.take("a")).toEqual({ allowed: true, limit: 2, remaining: 1, resetSeconds: 1, retryAfterSeconds: 0 });
  limiter.take("a");
  expect(limiter.take("a")).toEqual({ allowed: false, limit: 2, remaining: 0, resetSeconds: 1, retryAfterSeconds: 1 });
});

test("the client not seen for the longest is forgotten when there are too many", () => {
  const { limiter } = limiterAt(1, 2);
  limiter.take("a");
  limiter.take("b");
  expect(limiter.take("a").allowed).toBe(false);
  limiter.take("c");
  expect(limiter.clients).toBe(2);
  expect(limiter.take("a").allowed).toBe(false);
  expect(limiter.take("b").allowed).toBe(true);
});

test("over any stretch of time no more pass than the rate allows", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(500), { minLength: 1, maxLength: 200 }), (pausesMs) => {
      const { clock, limiter } = limiterAt(5);
      const passed = pausesMs.filter((pauseMs) => {
        clock.ms += pauseMs;
        return limiter.take("a").allowed;
      });
      expect(passed.length).toBeLessThanOrEqual(5 + Math.ceil((clock.ms / 1_000) * 5));
    }),
  );
});

describe("an address counts as", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:DB8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ])("%s → %s", (address, client) => {
    expect(clientOf(address)).toBe(client);
  });

  test("one unknown client where the socket has none any more", () => {
    expect(clientOf(undefined)).toBe("unknown");
  });
});
