import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { MAX_ROW_BYTES } from "../../controller/store/etcd/commit-plan.ts";
import { readHealth } from "../../controller/store/etcd/etcd-health.ts";
import { put, remove } from "../../controller/store/etcd/requests.ts";
import type { StoreContents, Write } from "../../controller/store/store.ts";
import { type EtcdCluster, hasEtcd, skipWithoutEtcd, startEtcd } from "../support/etcd-cluster.ts";
import { Follower, type Term } from "../support/etcd-faults.ts";
import { waitUntil } from "../support/etcd-leaders.ts";

let etcd: EtcdCluster;
let prefix: string;
let places = 0;

beforeAll(async () => {
  if (hasEtcd()) etcd = await startEtcd({ members: 1 });
});
afterAll(() => etcd?.close());
beforeEach((context) => {
  skipWithoutEtcd(context);
  places += 1;
  prefix = `commits-${places}/`;
});

const begin = () => new Follower(etcd.endpoints, prefix).lead();

/** What the next term finds. */
async function nextTermFinds(): Promise<StoreContents> {
  const { store, die } = await begin();
  const contents = await store.load();
  await die();
  return contents;
}

/** A term that commits, which removes what an earlier one has left of a bundle. */
async function finishTerm(): Promise<void> {
  const { store, die } = await begin();
  await store.load();
  await store.commit([]);
  await die();
}

/** Rows of about 20 KB: a bundle of three parts, and of as many transactions of rows. */
const ROWS = 130;
const bundle = (n: number): Write[] =>
  Array.from({ length: ROWS }, (_, index) => row(`job-${index}`, { n, padding: "x".repeat(20_000) }));
const gone = (key: string): Write => ({ table: "job", key, value: null });
const row = (key: string, value: Record<string, unknown>): Write => ({ table: "job", key, value });
/** The numbers that the rows have, each once. */
const numbersIn = (contents: StoreContents) => [...new Set(contents.rows.map(({ value }) => value["n"]))];

test("a bundle is there as a whole or not at all, whichever transaction its leader dies before", async () => {
  let isComplete = false;
  const outcomes = { acknowledged: 0, there: 0, notThere: 0 };
  for (let transactions = 0; !isComplete; transactions += 1) {
    const { client, store, die } = await begin();
    const before = numbersIn(await store.load())[0];
    // Once this is answered, what an earlier term has left is done.
    await store.commit([]);
    const last = client.sent.length + transactions;
    client.fateOf = (index) => (index < last ? "answered" : "request lost");
    let acknowledged: number | undefined;
    const work = store.commit(bundle(transactions)).then(async (revision) => {
      acknowledged = revision;
      await store.commit([]);
      isComplete = true;
    });
    await Promise.race([work.catch(() => undefined), client.firstLost]);
    await die();
    await work.catch(() => undefined);

    const contents = await nextTermFinds();
    const isThere = numbersIn(contents)[0] === transactions;
    expect(numbersIn(contents), `died before transaction ${transactions}`).toEqual(
      isThere ? [transactions] : before === undefined ? [] : [before],
    );
    if (isThere) expect(contents.rows).toHaveLength(ROWS);
    await finishTerm();
    expect((await nextTermFinds()).rows).toEqual(expect.arrayContaining([...contents.rows]));
    if (acknowledged !== undefined) expect(isThere).toBe(true);
    if (acknowledged !== undefined) outcomes.acknowledged += 1;
    else if (isThere) outcomes.there += 1;
    else outcomes.notThere += 1;
  }
  // Before the head there are two parts; after it three transactions of rows and the next commit.
  expect(outcomes.notThere).toBe(3);
  expect(outcomes.acknowledged).toBeGreaterThanOrEqual(4);
});

test("a commit whose answer is lost is done once, and answered", async () => {
  const { client, store, die } = await begin();
  await store.load();
  for (const writes of [[row("small", { n: 1 })], bundle(1), [row("small", { n: 2 })]]) {
    const known = new Set<unknown>();
    // Repetitions are the same object; the first answer to each is lost.
    client.fateOf = (index) => {
      const request = client.sent[index];
      const isFirst = !known.has(request);
      known.add(request);
      return isFirst ? "answer lost" : "answered";
    };
    await store.commit(writes);
  }
  await die();
  const contents = await nextTermFinds();
  expect(contents.revision).toBe(3);
  expect(contents.rows).toHaveLength(ROWS + 1);
  expect(contents.rows.find(({ key }) => key === "small")?.value).toEqual({ n: 2 });
});

test("a leader that does not know that its lease has ended is refused, before the next one has written anything", async () => {
  const first = await begin();
  await first.store.load();
  await first.store.commit([row("a", { n: 1 })]);
  await etcd.client.txn({ success: [remove(`${prefix}leader`)] });
  const second = await begin();
  expect(await second.store.load()).toMatchObject({ revision: 1 });
  expect(first.store.tenure.isHeld()).toBe(true);
  await expect(first.store.commit([row("a", { n: 2 })])).rejects.toMatchObject({ code: "fenced" });
  expect(first.store.tenure.isHeld()).toBe(false);
  expect(await first.store.tenure.lost).toMatchObject({ code: "fenced" });
  expect(await second.store.commit([row("b", { n: 2 })])).toBe(2);
  await first.die();
  await second.die();
  const { rows } = await nextTermFinds();
  expect(rows.map(({ key, value }) => `${key} ${String(value["n"])}`).sort()).toEqual(["a 1", "b 2"]);
});

test("a leader whose election key is gone is refused, although nobody else leads", async () => {
  const { store, die } = await begin();
  await store.load();
  await etcd.client.txn({ success: [remove(`${prefix}leader`)] });
  await expect(store.commit([row("a", { n: 1 })])).rejects.toMatchObject({
    code: "fenced",
    message: expect.stringContaining("its election key is gone"),
  });
  await die();
  expect(await nextTermFinds()).toMatchObject({ revision: 0, rows: [] });
});

test("transactions that arrive again, however late, change nothing", async () => {
  const { client, store, die } = await begin();
  await store.load();
  await store.commit([row("a", { n: 1 }), row("job-5", { n: -1 })]);
  await store.commit(bundle(2));
  await store.commit([row("job-5", { n: 3 }), row("a", { n: 3 })]);
  await store.commit([row("a", { n: 4 })]);
  for (const request of client.sent) expect((await etcd.client.txn(request)).succeeded).toBe(false);
  expect(client.sent.length).toBeGreaterThan(7);
  await die();
  for (const request of client.sent) expect((await etcd.client.txn(request)).succeeded).toBe(false);
  const contents = await nextTermFinds();
  const values = new Map(contents.rows.map(({ key, value }) => [key, value]));
  expect([values.get("a"), values.get("job-5"), values.get("job-6")?.["n"]]).toEqual([{ n: 4 }, { n: 3 }, 2]);
});

test("what a leader that died has left of a bundle without a head is removed", async () => {
  const { client, store, die } = await begin();
  await store.load();
  // Both parts arrive, the head does not.
  const last = client.sent.length + 2;
  client.fateOf = (index) => (index < last ? "answered" : "request lost");
  const commit = store.commit(bundle(1));
  commit.catch(() => undefined);
  await client.firstLost;
  await die();
  expect(await bundleKeys()).toHaveLength(2);
  const next = await begin();
  await next.store.load();
  await next.store.commit([row("a", { n: 1 })]);
  expect(await bundleKeys()).toEqual([]);
  await next.die();
});

test("a row that is too large for etcd ends the term, and nothing of its commit is stored", async () => {
  const { store, die } = await begin();
  await store.load();
  await store.commit([row("a", { n: 1 })]);
  const tooLarge = [...bundle(1), row("large", { text: "x".repeat(MAX_ROW_BYTES) })];
  const refusal = { name: "StoreError", code: "failed", message: expect.stringMatching(/row "large".*etcd takes/) };
  await expect(store.commit(tooLarge)).rejects.toMatchObject(refusal);
  await expect(store.commit([])).rejects.toMatchObject(refusal);
  await die();
  expect(await nextTermFinds()).toMatchObject({ revision: 1, rows: [{ key: "a" }] });
});

test("the largest row that is taken goes through, alone and in a bundle", async () => {
  const { store, die } = await begin();
  await store.load();
  const large = row("large", { text: "x".repeat(MAX_ROW_BYTES - 100) });
  await store.commit([large]);
  await store.commit([...bundle(1), large]);
  await die();
  expect((await nextTermFinds()).rows).toHaveLength(ROWS + 1);
});

test.each([
  ["the cluster's record is gone", "cluster", null, /cluster is missing/],
  ["the head is gone", "head", null, /head is missing/],
  [
    "the head names a bundle that is gone",
    "head",
    '{"revision":1,"term":1,"bundle":{"id":"1-1","parts":2}}',
    /bundle\/1-1\/0000 is missing/,
  ],
  ["a row is no JSON", "row/job/a", "{", /"[^"]*row\/job\/a" is not a JSON object/],
  ["a row is of no table", "row/nothing/a", "{}", /is of no table/],
])("does not begin where %s", async (_, key, value, message) => {
  const { store, die } = await begin();
  await store.load();
  await store.commit([row("a", { n: 1 })]);
  await die();
  await etcd.client.txn({ success: [value === null ? remove(prefix + key) : put(prefix + key, value)] });
  await expect(begin()).rejects.toMatchObject({
    name: "StoreError",
    code: "damaged",
    message: expect.stringMatching(message),
  });
  await etcd.client.txn({ success: [remove(`${prefix}leader`)] });
});

test("rows that do not fit into one answer are read in several", async () => {
  const { store, die } = await begin();
  await store.load();
  // In all more than a client takes at once.
  const rows = Array.from({ length: 36 }, (_, n) => row(`job-${n}`, { n, padding: "x".repeat(1_000_000) }));
  await store.commit(rows);
  await store.commit([]);
  await die();
  expect((await nextTermFinds()).rows).toHaveLength(rows.length);
});

test("whoever is elected before its copy is read waits for all of it", async () => {
  const { store, die } = await begin();
  await store.load();
  // Several pages.
  const rows = Array.from({ length: 3_500 }, (_, n) => row(`job-${n}`, { n }));
  await store.commit(rows);
  await store.commit([]);
  await die();
  for (let repetition = 0; repetition < 3; repetition += 1) {
    expect((await nextTermFinds()).rows).toHaveLength(rows.length);
  }
});

test.each(["remembered", "compacted"])(
  "a follower whose watch was cut has, when it is elected, exactly what is stored: history %s",
  async (history) => {
    const first = await begin();
    await first.store.load();
    await first.store.commit([row("kept", { n: 1 }), row("removed", { n: 1 }), row("changed", { n: 1 })]);
    const follower = new Follower(etcd.endpoints, prefix);
    follower.client.isWatchCut = true;
    await waitUntil(() => follower.mirror.rowCount === 3, "the follower has a copy");
    await first.store.commit([gone("removed"), row("changed", { n: 2 })]);
    await first.store.commit([row("added", { n: 3 })]);
    await first.die();
    const { header } = await etcd.client.range({ key: Buffer.from("x") });
    if (history === "compacted") await etcd.client.compact(header?.revision ?? 0);
    const { store, die } = await follower.lead(() => {
      expect(follower.mirror.rowCount).toBe(3);
      follower.client.isWatchCut = false;
    });
    const { rows } = await store.load();
    const found = rows.map(({ key, value }) => `${key} ${String(value["n"])}`).sort();
    expect(found).toEqual(["added 3", "changed 2", "kept 1"]);
    await die();
  },
);

test("a full etcd is named as such, by its health too", async () => {
  const small = await startEtcd({ members: 1, quotaBytes: 4 * 1024 * 1024 });
  let term: Term | undefined;
  try {
    term = await new Follower(small.endpoints, prefix).lead();
    await term.store.load();
    const padding = "x".repeat(500_000);
    const fill = async (store: Term["store"]): Promise<void> => {
      for (let n = 0; n < 100; n += 1) await store.commit([row(`job-${n}`, { padding })]);
    };
    await expect(fill(term.store)).rejects.toMatchObject({
      name: "StoreError",
      code: "failed",
      message: expect.stringMatching(/etcd is full and takes no writes.*etcdctl defrag.*alarm disarm/),
    });
    const health = await readHealth(small.client);
    expect(health).toMatchObject({ isFull: true, isCorrupt: false, unreachable: [] });
    expect(health.members[0]?.dbSizeBytes).toBeGreaterThan(3 * 1024 * 1024);
  } finally {
    await term?.die();
    await small.close();
  }
});

async function bundleKeys(): Promise<string[]> {
  const key = Buffer.from(`${prefix}bundle/`);
  const { kvs } = await etcd.client.range({ key, range_end: Buffer.from(`${prefix}bundle0`) });
  return kvs.map((kv) => kv.key.toString());
}
