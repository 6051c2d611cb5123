import { describe, expect, test } from "vitest";
import { KV, Maintenance, Watch } from "../../../proto/load-etcd.ts";
import { found, get, isChangedBy, isCreatedBy, put, remove, removeAll } from "./requests.ts";

/** The fields of a message as they are on the wire, by number: whole numbers and bytes. */
function fieldsOf(message: Buffer): Map<number, (number | Buffer)[]> {
  const fields = new Map<number, (number | Buffer)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    let value: number | Buffer = varint();
    if (tag % 8 === 2) {
      at += value;
      value = message.subarray(at - value, at);
    } else expect(tag % 8).toBe(0);
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

/** The only field `number` of the message, itself a message. */
function inner(message: Buffer, number: number): Map<number, (number | Buffer)[]> {
  return fieldsOf(fieldsOf(message).get(number)?.[0] as Buffer);
}

const text = (values: readonly (number | Buffer)[] | undefined) => String(values?.[0]);
const number = (values: readonly (number | Buffer)[] | undefined) => values?.[0] ?? 0;

const encodeTxn = KV.service.Txn.requestSerialize;

// The numbers are etcd's: rpc.proto, message Compare.
describe("a comparison says on the wire", () => {
  const EQUAL = 0;
  const CREATE = 1;
  const MOD = 2;

  test("that a key was made by a revision", () => {
    const compare = inner(encodeTxn({ compare: [isCreatedBy("a/leader", 2 ** 40 + 1)] }), 1);
    expect(number(compare.get(1))).toBe(EQUAL);
    expect(number(compare.get(2))).toBe(CREATE);
    expect(text(compare.get(3))).toBe("a/leader");
    expect(number(compare.get(5))).toBe(2 ** 40 + 1);
    expect([4, 6, 7, 8].filter((other) => compare.has(other))).toEqual([]);
  });

  test("that a key was changed by a revision", () => {
    const compare = inner(encodeTxn({ compare: [isChangedBy("a/head", 7)] }), 1);
    expect(number(compare.get(1))).toBe(EQUAL);
    expect(number(compare.get(2))).toBe(MOD);
    expect(text(compare.get(3))).toBe("a/head");
    expect(number(compare.get(6))).toBe(7);
    expect([4, 5, 7, 8].filter((other) => compare.has(other))).toEqual([]);
  });

  test("that a key is not there", () => {
    const compare = inner(encodeTxn({ compare: [isCreatedBy("a/leader", 0)] }), 1);
    expect(number(compare.get(2))).toBe(CREATE);
    expect(compare.get(5)).toEqual([0]);
  });
});

// etcd's message RequestOp: 1 range, 2 put, 3 delete.
describe("an operation says on the wire", () => {
  const operation = (request: ReturnType<typeof put>) =>
    fieldsOf(fieldsOf(encodeTxn({ success: [request] })).get(2)?.[0] as Buffer);

  test("put, with and without a lease", () => {
    const withLease = fieldsOf(operation(put("k", "v", 2 ** 47 + 5)).get(2)?.[0] as Buffer);
    expect([text(withLease.get(1)), text(withLease.get(2)), number(withLease.get(3))]).toEqual(["k", "v", 2 ** 47 + 5]);
    expect(number(fieldsOf(operation(put("k", "v")).get(2)?.[0] as Buffer).get(3))).toBe(0);
  });

  test("remove one key, or all with a prefix", () => {
    const one = fieldsOf(operation(remove("k")).get(3)?.[0] as Buffer);
    expect([text(one.get(1)), one.has(2)]).toEqual(["k", false]);
    const all = fieldsOf(operation(removeAll("a/b/")).get(3)?.[0] as Buffer);
    expect([text(all.get(1)), text(all.get(2))]).toEqual(["a/b/", "a/b0"]);
  });

  test("get", () => {
    expect(text(fieldsOf(operation(get("k")).get(1)?.[0] as Buffer).get(1))).toBe("k");
  });
});

describe("enums of other messages", () => {
  test("an alarm request only asks", () => {
    const request = fieldsOf(Maintenance.service.Alarm.requestSerialize({ action: "GET", alarm: "NONE" }));
    expect([number(request.get(1)), number(request.get(3))]).toEqual([0, 0]);
  });

  test.each([
    [1, "NOSPACE"],
    [2, "CORRUPT"],
  ])("alarm %d is %s", (wire, name) => {
    const answer = Maintenance.service.Alarm.responseDeserialize(Buffer.from([0x12, 2, 0x10, wire]));
    expect(answer.alarms).toEqual([{ alarm: name }]);
  });

  test.each([
    [0, "PUT"],
    [1, "DELETE"],
  ])("event %d is %s", (wire, name) => {
    const event = [0x08, wire, 0x12, 3, 0x0a, 1, 0x6b];
    const answer = Watch.service.Watch.responseDeserialize(Buffer.from([0x5a, event.length, ...event]));
    expect(answer.events[0]?.type).toBe(name);
    expect(answer.events[0]?.kv?.key.toString()).toBe("k");
  });
});

test("the answer of a transaction gives what its n-th operation found", () => {
  const none = { response_range: { header: null, kvs: [], more: false } };
  const kv = { key: Buffer.from("k"), create_revision: 1, mod_revision: 2, value: Buffer.from("v"), lease: 0 };
  const one = { response_range: { header: null, kvs: [kv], more: false } };
  const response = { header: { revision: 3 }, succeeded: false, responses: [none, one] };
  expect([found(response, 0), found(response, 1), found(response, 2)]).toEqual([undefined, kv, undefined]);
});
