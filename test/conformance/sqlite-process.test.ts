import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../../base/logger.ts";
import type { Store } from "../../controller/store/store.ts";
import { openSqliteStore } from "../../controller/store/sqlite/sqlite-store.ts";

const CHILD = join(import.meta.dirname, "sqlite-child.ts");
const ROUNDS = 36;
const SAYS_DEADLINE_MS = 30_000;

let parent: string;
let dataDir: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "gpusched-process-"));
  dataDir = join(parent, "data");
});
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  rmSync(parent, { recursive: true, force: true });
});

test("a live process holds the directory and is named to the next; its kill frees it", async () => {
  const first = start("hold");
  await first.says(/^open 1 0$/m);
  const owner = `process ${first.process.pid} on host `;
  await expect(openHere()).rejects.toMatchObject({ code: "locked", message: expect.stringContaining(owner) });
  const second = start("hold");
  await second.says(/^refused .*"code":"locked".*address 127\.0\.0\.1:7001/m);
  await kill(first.process);
  const store = await openHere();
  expect(await store.load()).toMatchObject({ term: 2, revision: 0 });
  await store.close();
});

test("a stopped process still holds the directory", async () => {
  const first = start("hold");
  await first.says(/^open /m);
  first.process.kill("SIGSTOP");
  await expect(openHere()).rejects.toMatchObject({ code: "locked" });
});

test("no acknowledged commit is lost, and none is half there, whenever the process is killed", async () => {
  const random = seededRandom(printedSeed());
  let acknowledged = 0;
  let lastTerm = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const child = start("commit");
    await untilTheMoment(child, round, random);
    await kill(child.process);
    acknowledged = Math.max(acknowledged, ...child.acknowledged());
    const store = await openHere();
    const { term, revision, rows } = await store.load();
    await store.close();
    const context = `round ${round}`;
    expect(revision, context).toBeGreaterThanOrEqual(acknowledged);
    expect(term, context).toBeGreaterThan(lastTerm);
    expect(rows.length, context).toBe(2 * revision);
    const keys = new Set(rows.map((row) => `${row.table}/${row.key}/${Number(row.value["n"])}`));
    for (let n = 1; n <= revision; n += 1) {
      expect(keys.has(`job/job-${n}/${n}`) && keys.has(`spec/job-${n}/${n}`), `${context}, commit ${n}`).toBe(true);
    }
    lastTerm = term;
  }
  expect(acknowledged).toBeGreaterThan(ROUNDS);
}, 240_000);

test("what a killed process left in the log is moved into the database before a new term begins", async () => {
  const child = start("commit");
  await child.says(/^20$/m);
  await kill(child.process);
  const log = join(dataDir, "gpusched.db-wal");
  const before = statSync(log).size;
  const store = await openHere();
  expect(statSync(log).size).toBeLessThan(before / 4);
  await store.close();
});

test("a kill while the store is being made leaves a directory that opens", async () => {
  const random = seededRandom(printedSeed());
  for (let round = 0; round < 8; round += 1) {
    dataDir = join(parent, `new-${round}`);
    const child = start("hold");
    await duringOpen(child, random);
    await kill(child.process);
    const store = await openHere();
    expect(await store.load()).toMatchObject({ revision: 0, rows: [] });
    await store.close();
  }
});

test("a disk that takes no more ends the store, and what was acknowledged stays", async () => {
  // Beyond the limit a write fails as on a full disk, for this child alone.
  const child = start("commit", ["sh", "-c", 'ulimit -f 8192 && exec "$@"', "sh"]);
  await child.says(/^refused .*"code":"failed".*cannot commit to .*gpusched\.db: /m);
  await once(child.process, "exit");
  const last = Math.max(...child.acknowledged());
  const store = await openHere();
  const { revision, rows } = await store.load();
  expect(revision).toBeGreaterThanOrEqual(last);
  expect(rows.length).toBe(2 * revision);
  expect(await store.commit([])).toBe(revision + 1);
  await store.close();
});

interface Child {
  readonly process: ChildProcess;
  /** Resolves once what the child said matches; rejects when it ends, or the deadline passes, without. */
  says(pattern: RegExp): Promise<void>;
  acknowledged(): number[];
}

/** Every fourth round kills while the store opens, every fourth while it closes, the others while it commits. */
async function untilTheMoment(child: Child, round: number, random: () => number): Promise<void> {
  if (round % 4 === 0) return await duringOpen(child, random);
  await child.says(/^\d+$/m);
  await sleep(random() * 80);
  if (round % 4 !== 1) return;
  child.process.stdin?.end();
  await sleep(random() * 20);
}

async function duringOpen(child: Child, random: () => number): Promise<void> {
  await child.says(/^opening$/m);
  await sleep(random() * 120);
}

function start(mode: "hold" | "commit", wrapper: readonly string[] = []): Child {
  const [command, ...args] = [...wrapper, process.execPath, CHILD, dataDir, mode];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  child.stdin.on("error", () => undefined);
  let output = "";
  let onChange = (): void => undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    onChange();
  });
  child.on("close", () => onChange());
  return {
    process: child,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const deadline = setTimeout(() => reject(new Error(`the child only said: ${output}`)), SAYS_DEADLINE_MS);
        onChange = () => {
          const isSaid = pattern.test(output);
          if (!isSaid && !child.stdout.readableEnded) return;
          clearTimeout(deadline);
          if (isSaid) resolve();
          else reject(new Error(`the child ended, having said: ${output}`));
        };
        onChange();
      }),
    // A line without its end was cut off by the kill: it may be the beginning of a longer number.
    acknowledged: () => [...output.matchAll(/^(\d+)\n/gm)].map((match) => Number(match[1])),
  };
}

/** Returns once the process is gone and all it said was read. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.stdout?.readableEnded) return;
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}

function openHere(): Promise<Store> {
  return openSqliteStore({ dataDir, log: silentLogger, owner: { address: "127.0.0.1:7000" } });
}

/** Printed, so that a failure's moments can be had again. */
function printedSeed(): number {
  const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
  console.log(`SEED=${seed}`);
  return seed;
}

/** mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
