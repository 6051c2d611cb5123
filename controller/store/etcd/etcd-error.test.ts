import { Metadata, status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { etcdErrorOf } from "./etcd-error.ts";

// The words are those of etcd 3.4 to 3.6, and of grpc-js.
test.each([
  [status.UNAVAILABLE, "etcdserver: request timed out", "unavailable"],
  [status.UNAVAILABLE, "etcdserver: no leader", "unavailable"],
  [status.UNAVAILABLE, "No connection established. Last error: connect ECONNREFUSED 127.0.0.1:2379", "unavailable"],
  [status.DEADLINE_EXCEEDED, "Deadline exceeded after 1.5s", "unavailable"],
  [status.CANCELLED, "Cancelled on client", "unavailable"],
  [status.INTERNAL, "Received RST_STREAM with code 2", "unavailable"],
  [status.RESOURCE_EXHAUSTED, "etcdserver: too many requests", "unavailable"],
  [status.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", "no_space"],
  [status.RESOURCE_EXHAUSTED, "Received message larger than max (5242891 vs 4194304)", "too_large"],
  [status.INVALID_ARGUMENT, "etcdserver: request is too large", "too_large"],
  [status.INVALID_ARGUMENT, "etcdserver: too many operations in txn request", "too_large"],
  [status.INVALID_ARGUMENT, "etcdserver: duplicate key given in txn request", "refused"],
  [status.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted", "compacted"],
  [status.NOT_FOUND, "etcdserver: requested lease not found", "no_lease"],
  [status.PERMISSION_DENIED, "etcdserver: permission denied", "refused"],
  [status.UNAUTHENTICATED, "etcdserver: invalid auth token", "refused"],
])("gRPC's status %d with %j is %s", (code, details, expected) => {
  const error = Object.assign(new Error(details), { code, details, metadata: new Metadata() });
  const found = etcdErrorOf("Txn", "127.0.0.1:2379", error);
  expect(found.code).toBe(expected);
  expect(found.message).toBe(`Txn on 127.0.0.1:2379: ${details}`);
});
