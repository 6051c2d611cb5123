import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Row,
  type Store,
  type StoreContents,
  StoreError,
  TABLES,
  type Write,
} from "../../controller/store/store.ts";

/** Somewhere a store can be opened, closed and opened again. */
export interface StorePlace {
  open(): Promise<Store>;
  /** What becomes of an open while an earlier store is still open: that open is refused, or the earlier store is fenced. */
  readonly whileHeld: "refuses" | "fences";
  remove(): Promise<void>;
}

/** What every store must do. `createPlace` makes an empty place for each test. */
export function describeStoreConformance(name: string, createPlace: () => Promise<StorePlace>): void {
  describe(`${name} store`, () => {
    let place: StorePlace;
    const opened: Store[] = [];

    const open = async (): Promise<Store> => {
      const store = await place.open();
      opened.push(store);
      return store;
    };
    /** Closes the store, opens it again and loads. */
    const reload = async (store: Store): Promise<StoreContents> => {
      await store.close();
      return await (await open()).load();
    };

    beforeEach(async () => {
      place = await createPlace();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store.close()));
      await place.remove();
    });

    describeContents(open, reload);
    describeTerms(open, reload, () => place.whileHeld);
  });
}

type Open = () => Promise<Store>;
type Reload = (store: Store) => Promise<StoreContents>;

function describeContents(open: Open, reload: Reload): void {
  test("is empty at first, at revision 0", async () => {
    const contents = await (await open()).load();
    expect(contents.rows).toEqual([]);
    expect(contents.revision).toBe(0);
    expect(contents.term).toBeGreaterThanOrEqual(1);
    expect(contents.clusterId).not.toBe("");
  });

  test("gives back, in every table, what was committed", async () => {
    const store = await open();
    await store.load();
    const rows = TABLES.map((table) => ({ table, key: "same-key", value: { table, list: [1, null, { deep: true }] } }));
    await store.commit(rows);
    expect(byKey(await reload(store))).toEqual(new Map(rows.map((row) => [`${row.table}/${row.key}`, row.value])));
  });

  test.each([
    ["text beyond ASCII", "Zürich 日本語 😀 \u202e\u0000", { text: "𝔘𝔫𝔦 \u0000 \u2028 é e\u0301" }],
    ["a lone surrogate in a value", "plain", { text: "\ud800" }],
    ["an empty key and an empty object", "", {}],
    [
      "names that objects inherit",
      "__proto__",
      parse('{"__proto__":{"polluted":true},"constructor":1,"toString":null}'),
    ],
    [
      "numbers at their limits",
      "numbers",
      { largest: Number.MAX_SAFE_INTEGER, tiny: 5e-324, huge: 1.7976931348623157e308 },
    ],
    ["a value of 1 MiB", "large", { text: "é".repeat(524_288) }],
  ])("keeps %s", async (_, key, value) => {
    const store = await open();
    await store.load();
    await store.commit([{ table: "spec", key, value }]);
    const { rows } = await reload(store);
    expect(rows.map((row) => row.key)).toEqual([key]);
    expect(JSON.stringify(rows[0]?.value)).toBe(JSON.stringify(value));
    expect({}).not.toHaveProperty("polluted");
  });

  test("overwrites and removes; the last write of a commit to a key wins", async () => {
    const store = await open();
    await store.load();
    await store.commit([put("kept", 1), put("overwritten", 1), put("removed", 1), put("back", 1)]);
    await store.commit([
      put("overwritten", 2),
      remove("removed"),
      remove("never there"),
      remove("back"),
      put("back", 2),
    ]);
    await store.commit([put("twice", 1), put("twice", 2), put("gone", 1), remove("gone")]);
    expect(byKey(await reload(store))).toEqual(
      new Map([
        ["job/kept", { n: 1 }],
        ["job/overwritten", { n: 2 }],
        ["job/back", { n: 2 }],
        ["job/twice", { n: 2 }],
      ]),
    );
  });

  test("takes ten thousand writes in one commit", async () => {
    const store = await open();
    await store.load();
    const writes = Array.from({ length: 10_000 }, (_, n) => put(`job-${n}`, n));
    expect(await store.commit(writes)).toBe(1);
    const rows = byKey(await reload(store));
    expect(rows.size).toBe(10_000);
    expect(rows.get("job/job-9999")).toEqual({ n: 9_999 });
  });

  test("does not let what it was given, or what it gave, change what it keeps", async () => {
    const store = await open();
    await store.load();
    const value = { list: [1] };
    await store.commit([{ table: "job", key: "a", value }]);
    value.list.push(2);
    const contents = await reload(store);
    expect(contents.rows[0]?.value).toEqual({ list: [1] });
  });

  test("stores nothing of a commit that cannot be stored as a whole", async () => {
    const store = await open();
    await store.load();
    await expect(store.commit([put("a", 1), { table: "job", key: "b", value: { n: 1n } }])).rejects.toThrow();
    const contents = await reload(store);
    expect(contents.rows).toEqual([]);
    expect(contents.revision).toBe(0);
  });
}

function describeTerms(open: Open, reload: Reload, whileHeld: () => StorePlace["whileHeld"]): void {
  test("counts every commit, the empty one too, and goes on counting after a reopening", async () => {
    const store = await open();
    await store.load();
    expect(await store.commit([put("a", 1)])).toBe(1);
    expect(await store.commit([])).toBe(2);
    expect((await reload(store)).revision).toBe(2);
  });

  test("answers commits that were sent together in their order", async () => {
    const store = await open();
    await store.load();
    const revisions = await Promise.all([1, 2, 3].map((n) => store.commit([put("a", n)])));
    expect(revisions).toEqual([1, 2, 3]);
    expect(byKey(await reload(store)).get("job/a")).toEqual({ n: 3 });
  });

  test("begins a larger term with every opening and keeps the cluster's id", async () => {
    let store = await open();
    let before = await store.load();
    for (let opening = 2; opening <= 4; opening += 1) {
      await store.close();
      store = await open();
      const contents = await store.load();
      expect(contents.clusterId).toBe(before.clusterId);
      expect(contents.term).toBeGreaterThan(before.term);
      before = contents;
    }
  });

  test("never has two holders that can commit", async () => {
    const first = await open();
    await first.load();
    await first.commit([put("a", 1)]);
    expect(first.tenure.isHeld()).toBe(true);
    if (whileHeld() === "refuses") {
      await expect(open()).rejects.toMatchObject({ name: "StoreError", code: "locked" });
      expect(await first.commit([put("a", 2)])).toBe(2);
      expect(first.tenure.isHeld()).toBe(true);
      return;
    }
    const second = await open();
    await second.load();
    expect(await first.tenure.lost).toMatchObject({ name: "StoreError", code: "fenced" });
    expect([first.tenure.isHeld(), second.tenure.isHeld()]).toEqual([false, true]);
    await expect(first.commit([put("a", 2)])).rejects.toMatchObject({ name: "StoreError", code: "fenced" });
    expect(await second.commit([put("b", 1)])).toBe(2);
    expect(byKey(await reload(second))).toEqual(
      new Map([
        ["job/a", { n: 1 }],
        ["job/b", { n: 1 }],
      ]),
    );
  });

  test("closes more than once, and refuses to be used afterwards", async () => {
    const store = await open();
    await store.load();
    await Promise.all([store.close(), store.close()]);
    await store.close();
    expect(store.tenure.isHeld()).toBe(false);
    await expect(store.commit([put("a", 1)])).rejects.toBeInstanceOf(StoreError);
    await expect(store.load()).rejects.toBeInstanceOf(StoreError);
    expect((await (await open()).load()).rows).toEqual([]);
  });

  test("finishes the commit that is under way when it is closed", async () => {
    const store = await open();
    await store.load();
    const commit = store.commit([put("a", 1)]);
    const contents = await reload(store);
    expect(await commit).toBe(1);
    expect(contents).toMatchObject({ revision: 1, rows: [{ key: "a" }] });
  });
}

const put = (key: string, n: number): Write => ({ table: "job", key, value: { n } });
const remove = (key: string): Write => ({ table: "job", key, value: null });

/** As `JSON.parse` makes it: `__proto__` is an ordinary own name. */
function parse(text: string): Row["value"] {
  return JSON.parse(text) as Row["value"];
}

function byKey({ rows }: StoreContents): Map<string, Row["value"]> {
  const found = new Map(rows.map((row) => [`${row.table}/${row.key}`, row.value]));
  expect(found.size).toBe(rows.length);
  return found;
}
