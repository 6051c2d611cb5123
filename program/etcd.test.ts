import { expect, test } from "vitest";
import { readOptions } from "../base/options.ts";
import { etcdOf } from "./etcd.ts";
import { controllerOptions, unsupportedByController } from "./options.ts";

function leaseFor(...args: readonly string[]): number | undefined {
  const given = ["--etcd", "http://127.0.0.1:2379", ...args];
  return etcdOf(readOptions(controllerOptions, unsupportedByController, { args: given, environment: {} }))?.leaseTtlMs;
}

test("the lease ends early enough for another to lead within the time that is asked for", () => {
  expect(leaseFor()).toBe(4_000);
  expect(leaseFor("--election-ttl", "15s")).toBe(14_000);
});

test("etcd gives no lease below two seconds, and none is asked for", () => {
  expect(leaseFor("--election-ttl", "2s")).toBe(2_000);
});
