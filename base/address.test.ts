import { expect, test } from "vitest";
import { formatAddress, isLoopbackHost, parseAddress } from "./address.ts";

test.each([
  ["127.0.0.1:9090", "127.0.0.1", 9090],
  ["[::1]:0", "::1", 0],
  ["node-1.example.org:65535", "node-1.example.org", 65_535],
])("%s is an address, and is written as it was read", (text, host, port) => {
  expect(parseAddress(text)).toEqual({ host, port });
  expect(formatAddress(host, port)).toBe(text);
});

test.each(["127.0.0.1", "127.9.8.7", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "localhost"])(
  "%s is loopback",
  (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  },
);

test.each([
  "0.0.0.0",
  "::",
  "10.0.0.1",
  "::ffff:10.0.0.1",
  "127.0.0.1.example.org",
  "localhost.example.org",
  "",
  "127.1",
])("%j is not loopback", (host) => {
  expect(isLoopbackHost(host)).toBe(false);
});
