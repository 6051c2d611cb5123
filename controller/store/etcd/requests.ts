/** Makes etcd's requests: the one place that knows how their fields are called. An enum's string that is wrong encodes as 0, silently: each is tested. */
import type { Compare } from "../../../proto/generated/etcdserverpb/Compare.ts";
import type { RequestOp } from "../../../proto/generated/etcdserverpb/RequestOp.ts";
import type { TxnResponse__Output } from "../../../proto/generated/etcdserverpb/TxnResponse.ts";
import type { KeyValue__Output } from "../../../proto/generated/etcdserverpb/KeyValue.ts";

/** How many operations etcd takes in one transaction by default. */
export const MAX_OPERATIONS = 128;

/** Holds if the key was made by this revision; 0: if it is not there. */
export function isCreatedBy(key: string, revision: number): Compare {
  return { result: "EQUAL", target: "CREATE", key: Buffer.from(key), create_revision: revision };
}

/** Holds if the key was last changed by this revision; 0: if it is not there. */
export function isChangedBy(key: string, revision: number): Compare {
  return { result: "EQUAL", target: "MOD", key: Buffer.from(key), mod_revision: revision };
}

export function put(key: string, value: string, lease = 0): RequestOp {
  return { request_put: { key: Buffer.from(key), value: Buffer.from(value), lease } };
}

export function remove(key: string): RequestOp {
  return { request_delete_range: { key: Buffer.from(key) } };
}

export function removeAll(prefix: string): RequestOp {
  return { request_delete_range: { key: Buffer.from(prefix), range_end: endOf(prefix) } };
}

export function get(key: string): RequestOp {
  return { request_range: { key: Buffer.from(key) } };
}

/** The first key that does not begin with the prefix, which must end in an ASCII character. */
export function endOf(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return end;
}

/** What a transaction writes, at the most: keys and values. */
export function bytesOf(operations: readonly RequestOp[]): number {
  let bytes = 0;
  for (const { request_put: one } of operations) bytes += (one?.key?.length ?? 0) + (one?.value?.length ?? 0);
  return bytes;
}

/** What the n-th operation of a transaction, a `get`, found. */
export function found(response: TxnResponse__Output, index: number): KeyValue__Output | undefined {
  return response.responses[index]?.response_range?.kvs[0];
}
