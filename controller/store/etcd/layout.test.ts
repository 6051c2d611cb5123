import { expect, test } from "vitest";
import type { Write } from "../store.ts";
import { encodeParts, groupAsRows, MAX_ROW_BYTES, refuseTooLarge } from "./commit-plan.ts";
import { decodePart, encodeCluster, Layout, packWrites, parseCluster, parseHead } from "./layout.ts";

const layout = new Layout("test/");
const REQUEST_BYTES = 1.5 * 1024 * 1024;

test("a row's key gives its table and key back, whatever the key is", () => {
  for (const key of ["job-1", "", "a/b//c", "Zürich 日本語 😀 \u0000"]) {
    expect(layout.parseRow(layout.row({ table: "spec", key }))).toEqual({ table: "spec", key });
  }
  expect(layout.parseRow(layout.head)).toBeUndefined();
  expect(() => layout.parseRow("test/row/nothing/a")).toThrow(/damaged.*"test\/row\/nothing\/a" is of no table/);
});

test("a bundle's part gives its writes back", () => {
  const writes: Write[] = [
    { table: "job", key: 'quotes "and" \\ 😀', value: { text: '"\\\u2028\ud800', list: [1, null, { deep: true }] } },
    {
      table: "node",
      key: "__proto__",
      value: JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>,
    },
    { table: "job", key: "gone", value: null },
  ];
  const [part = "", ...others] = encodeParts(packWrites(writes));
  expect(others).toEqual([]);
  expect(JSON.stringify(decodePart(layout, "test/bundle/1-1/0000", part))).toBe(JSON.stringify(writes));
});

test.each(["{}", "[1]", '[["nothing","a",{}]]', '[["job",1,{}]]', '[["job","a",5]]', "["])(
  "a part that is %s is damage",
  (text) => {
    expect(() => decodePart(layout, "test/bundle/1-1/0000", text)).toThrow(/damaged.*not a list of writes/);
  },
);

test("parts sort by their number", () => {
  const keys = Array.from({ length: 1_200 }, (_, index) => layout.part("7-1", index));
  expect([...keys].sort()).toEqual(keys);
});

test("only the last write of each key is packed", () => {
  const put = (n: number) => ({ table: "job", key: "a", value: { n } }) as const;
  expect(packWrites([put(1), put(2), { table: "job", key: "a", value: null }])).toMatchObject([{ text: null }]);
  expect(packWrites([put(1), { table: "job", key: "a", value: null }, put(3)])).toMatchObject([{ text: '{"n":3}' }]);
});

test("groups and parts stay within what etcd takes, keep every write and their order", () => {
  const sizes = [1, 10, 300_000, MAX_ROW_BYTES - 100, 5, 1_048_576, ...Array.from({ length: 1_000 }, (_, n) => n * 7)];
  const writes = sizes.map(
    (size, n) => ({ table: "job", key: `job-${n}`, value: { p: "é".repeat(size / 2) } }) as const,
  );
  const packed = packWrites(writes);
  refuseTooLarge(packed);
  const groups = groupAsRows(packed);
  expect(groups.flat()).toEqual(packed);
  for (const group of groups) {
    expect(group.length).toBeLessThanOrEqual(111);
    const bytes = group.reduce((sum, write) => sum + write.bytes + layout.row(write).length + 20, 0);
    expect(bytes).toBeLessThan(REQUEST_BYTES);
  }
  const parts = encodeParts(packed);
  expect(parts.length).toBeLessThan(groups.length);
  for (const part of parts) expect(Buffer.byteLength(part) + 1_000).toBeLessThan(REQUEST_BYTES);
  expect(parts.flatMap((part) => decodePart(layout, "k", part))).toHaveLength(packed.length);
});

test("a row that is too large is named", () => {
  const packed = packWrites([{ table: "spec", key: "job-1", value: { p: "x".repeat(MAX_ROW_BYTES) } }]);
  expect(() => refuseTooLarge(packed)).toThrow(/row "job-1" of table spec has 14000\d\d bytes: etcd takes 1400000/);
});

test("a cluster whose terms are lifted is not for programs that do not know of that", () => {
  expect(encodeCluster({ clusterId: "c", termOffset: 0 })).toBe('{"format":1,"clusterId":"c"}');
  const lifted = encodeCluster({ clusterId: "c", termOffset: 7 });
  expect(parseCluster(layout, lifted)).toEqual({ format: 2, clusterId: "c", termOffset: 7 });
});

test("what a newer program has written, and what cannot be understood, is left alone", () => {
  expect(() => parseCluster(layout, '{"format":3,"clusterId":"c"}')).toThrow(/format 3.*written by a newer one/);
  expect(parseCluster(layout, '{"format":1,"clusterId":"c"}')).toEqual({ format: 1, clusterId: "c", termOffset: 0 });
  expect(() => parseCluster(layout, '{"format":2,"clusterId":"c","termOffset":-1}')).toThrow(/damaged.*cluster/);
  for (const text of ["", "[]", "{}", '{"revision":-1,"term":1}', '{"revision":1,"term":1,"bundle":{}}']) {
    expect(() => parseHead(layout, text)).toThrow(/damaged.*head/);
  }
});
