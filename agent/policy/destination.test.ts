import { expect, test } from "vitest";
import { parseDestination } from "./destination.ts";

test.each([
  ["10.0.0.0/8", { family: "ip", network: "10.0.0.0/8", port: undefined }],
  ["10.0.0.5", { family: "ip", network: "10.0.0.5", port: undefined }],
  ["10.0.0.5:443", { family: "ip", network: "10.0.0.5", port: 443 }],
  ["10.0.0.0/8:443", { family: "ip", network: "10.0.0.0/8", port: 443 }],
  ["2001:db8::/32", { family: "ip6", network: "2001:db8::/32", port: undefined }],
  ["::1", { family: "ip6", network: "::1", port: undefined }],
  ["[2001:db8::/32]:443", { family: "ip6", network: "2001:db8::/32", port: 443 }],
  ["[2001:db8::5]", { family: "ip6", network: "2001:db8::5", port: undefined }],
])("%s is a destination", (text, destination) => {
  expect(parseDestination(text)).toEqual(destination);
});

test.each([
  "",
  "example.com",
  "10.0.0.0/33",
  "10.0.0",
  "10.0.0.5:0",
  "10.0.0.5:65536",
  "10.0.0.5:",
  "10.0.0.0/8/8",
  "10.0.0.0/",
  "fe80::1%eth0",
  "2001:db8::/129",
  "[10.0.0.5]:443",
  "10.0.0.5 drop; flush ruleset",
  "10.0.0.5\n",
  "::1; }",
])("%j is none", (text) => {
  expect(parseDestination(text)).toBeUndefined();
});
