import { DEFAULT_POLICY } from "../core/model/policy.ts";
import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { silentLogger } from "../../base/logger.ts";
import type { Effect } from "../core/output.ts";
import { gatedStore } from "../../test/support/gated-store.ts";
import { createMemoryStore, MemoryDisk } from "../store/memory-store.ts";
import type { Store } from "../store/store.ts";
import type { Journal, RecordedBatch, TermStart } from "./journal.ts";
import { Loop } from "./loop.ts";

const SETTINGS = { nodeUnreachableAfterMs: 15_000, nodeLostAfterMs: 300_000, policy: DEFAULT_POLICY };
const TENANT = { kind: "create-tenant", tenant: { name: "t", limits: {} }, id: "tenant-1" as never } as const;
const JOB = { kind: "submit-job", spec: { tenantId: "tenant-1" as never, name: "j", gpuCount: 1 } } as const;

async function startLoop(store: Store, effects: Effect[] = [], journal?: Journal, clock = systemClock) {
  let ended: Error | undefined;
  const loop = await Loop.start({
    store,
    settings: SETTINGS,
    clock,
    log: silentLogger,
    carryOut: (effect) => effects.push(effect),
    onTermEnd: (error) => {
      ended = error;
    },
    journal,
    checkEveryBatch: true,
  });
  return { loop, ended: () => ended };
}

const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test("nothing is answered, told or readable before it is durable", async () => {
  const { store, commits } = gatedStore();
  const effects: Effect[] = [];
  const { loop } = await startLoop(store, effects);
  let answered = false;
  const answer = loop.submit(TENANT).then((value) => {
    answered = true;
    return value;
  });
  await settled();
  let seen: number | undefined;
  const read = loop.read((state) => {
    seen = state.tenants.size;
  });
  await settled();
  expect([answered, seen, commits.length]).toEqual([false, undefined, 1]);
  commits[0]?.allow();
  expect(await answer).toEqual({ tenantId: "tenant-1" });
  await read;
  expect(seen).toBe(1);
  await loop.close();
});

test("a term that leaves undone what a batch calls for is over, though its lease turns out to be renewed", async () => {
  const { store, commits } = gatedStore();
  let isHeld = true;
  const { tenure } = store;
  const doubtful: Store = { ...store, tenure: { isHeld: () => isHeld, lost: tenure.lost } };
  const effects: Effect[] = [];
  const { loop, ended } = await startLoop(doubtful, effects);
  const answer = loop.submit(TENANT);
  await settled();
  isHeld = false;
  commits[0]?.allow();
  expect(await answer).toEqual({ tenantId: "tenant-1" });
  isHeld = true;
  expect(ended()?.message).toContain("it is not sure any more that term 1 is held");
  await expect(loop.submit(JOB)).rejects.toThrow("does not lead any more");
  await loop.close();
});

test("a batch is told to be under way for as long as it is, unless it waits for room", async () => {
  const { store, commits } = gatedStore();
  const room: { shortage: string | undefined } = { shortage: undefined };
  const withRoom: Store = {
    ...store,
    get shortage() {
      return room.shortage;
    },
  };
  let nowMs = 0;
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const { loop } = await startLoop(withRoom, [], undefined, clock);
  await settled();
  expect(loop.busyMs).toBe(0);
  const answer = loop.submit(TENANT);
  await settled();
  nowMs = 70_000;
  expect(loop.busyMs).toBe(70_000);
  room.shortage = "the disk is full";
  expect(loop.busyMs).toBe(0);
  commits[0]?.allow();
  await answer;
  room.shortage = undefined;
  await settled();
  expect(loop.busyMs).toBe(0);
  await loop.close();
});

test("a read that fails rejects, whether it had to wait or not", async () => {
  const { store, commits } = gatedStore();
  const { loop } = await startLoop(store);
  const fail = () => {
    throw new Error("no such job");
  };
  await expect(loop.read(fail)).rejects.toThrow("no such job");
  const answer = loop.submit(TENANT);
  await settled();
  const refused = expect(loop.read(fail)).rejects.toThrow("no such job");
  commits[0]?.allow();
  await Promise.all([answer, refused]);
  await loop.close();
});

test("what arrives while a batch is written goes into the next one together", async () => {
  const { store, commits } = gatedStore();
  const { loop } = await startLoop(store);
  const tenant = loop.submit(TENANT);
  await settled();
  const jobs = Array.from({ length: 100 }, () => loop.submit(JOB));
  await settled();
  commits[0]?.allow();
  await tenant;
  await settled();
  expect(commits).toHaveLength(2);
  expect(commits[1]?.writes.filter((write) => write.table === "job")).toHaveLength(100);
  commits[1]?.allow();
  const ids = await Promise.all(jobs);
  expect(new Set(ids.map((answer) => answer.jobId)).size).toBe(100);
  await loop.close();
});

test("a commit that fails ends the term: its requests are refused, its effects never leave, nothing more is taken", async () => {
  const { store, commits } = gatedStore();
  const effects: Effect[] = [];
  const { loop, ended } = await startLoop(store, effects);
  const refused = loop.submit(TENANT).catch((error: unknown) => error);
  await settled();
  commits[0]?.fail(new Error("disk full"));
  expect(await refused).toMatchObject({ code: "unavailable" });
  expect(ended()?.message).toBe("disk full");
  expect(await loop.submit(JOB).catch((error: unknown) => error)).toMatchObject({ code: "unavailable" });
  expect(await loop.read(() => 1).catch((error: unknown) => error)).toMatchObject({ code: "unavailable" });
  expect(effects).toEqual([]);
  await loop.close();
});

test("a refusal reaches its asker, and the others of its batch are served", async () => {
  const { loop } = await startLoop(createMemoryStore());
  const unknownTenant = loop.submit(JOB).catch((error: unknown) => error);
  const tenant = loop.submit(TENANT);
  expect(await unknownTenant).toMatchObject({ code: "not_found", message: "Tenant not found" });
  expect(await tenant).toEqual({ tenantId: "tenant-1" });
  await loop.close();
});

test("a loop on the same rows goes on where the last one stopped", async () => {
  const disk = new MemoryDisk();
  const first = await startLoop(createMemoryStore(disk));
  await first.loop.submit(TENANT);
  const { jobId } = await first.loop.submit(JOB);
  await first.loop.close();
  const second = await startLoop(createMemoryStore(disk));
  expect(second.loop.term).toBeGreaterThan(first.loop.term);
  expect(await second.loop.read((state) => state.job(jobId).phase)).toBe("queued");
  const next = await second.loop.submit(JOB);
  expect(next.jobId > jobId).toBe(true);
  await second.loop.close();
});

test("waiting for a state ends when a batch brings it, or when the waiter gives up", async () => {
  const { loop } = await startLoop(createMemoryStore());
  const arrival = loop.waitFor((state) => state.tenants.get("tenant-1" as never)?.name, new AbortController().signal);
  await loop.submit(TENANT);
  expect(await arrival).toBe("t");
  const gone = new AbortController();
  const never = loop.waitFor(() => undefined, gone.signal).catch(() => "gave up");
  gone.abort();
  expect(await never).toBe("gave up");
  await loop.close();
});

/** A journal that keeps what it is told. */
function listeningJournal() {
  const begun: TermStart[] = [];
  const batches: RecordedBatch[] = [];
  const ends: string[] = [];
  const journal: Journal = {
    begin: (start) => begun.push(start),
    record: (batch) => batches.push(batch),
    end: (why) => ends.push(why),
    close: async () => undefined,
  };
  return { journal, begun, batches, ends };
}

test("the journal is told the term's beginning and every batch while it is being written, pass or not", async () => {
  const { store, commits } = gatedStore();
  const { journal, begun, batches } = listeningJournal();
  const { loop } = await startLoop(store, [], journal);
  expect(begun).toMatchObject([{ clusterId: loop.clusterId, term: loop.term, rows: [], settings: SETTINGS }]);
  await settled();
  const tenant = loop.submit(TENANT);
  const refused = loop.submit({ ...JOB, spec: { ...JOB.spec, tenantId: "tenant-9" as never } }).catch(() => "refused");
  await settled();
  expect(batches.map(({ inputs }) => inputs.map(({ kind }) => kind))).toEqual([
    ["tick"],
    ["create-tenant", "submit-job"],
  ]);
  expect(batches[1]?.outcome).toMatchObject({
    passed: true,
    answers: [{ tenantId: "tenant-1" }, { code: "not_found" }],
    writes: [{ table: "tenant" }],
  });
  commits[0]?.allow();
  await tenant;
  expect(await refused).toBe("refused");
  await loop.close();
});

test("a bug's batch is in the journal with the bug's words, and ends the term", async () => {
  const { journal, batches } = listeningJournal();
  const { loop, ended } = await startLoop(createMemoryStore(), [], journal);
  await settled();
  loop.post({ kind: "strange" } as never);
  await expect.poll(ended).toBeDefined();
  expect(batches.at(-1)).toMatchObject({ inputs: [{ kind: "strange" }], outcome: { failure: ended()?.message } });
});
