import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLogger } from "../../base/logger.ts";
import { Guard } from "./guard.ts";
import { LeaseMarkWriter } from "./lease-mark.ts";

const patience = { timeout: 30_000, interval: 20 };
const GONE_BY_MS = 50_000;
/** When the guard acts. */
const LATE_MS = GONE_BY_MS + 2_000;

let dataDir: string;
let guard: Guard | undefined;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "gpusched-guard-"));
});
afterEach(async () => {
  await guard?.close();
  await rm(dataDir, { recursive: true });
});

async function mark(goneByMs: number | undefined, bootId = "this boot"): Promise<void> {
  const writer = await LeaseMarkWriter.open(dataDir, { agentId: "a", bootId }, silentLogger);
  writer.put(goneByMs);
  await writer.close();
}

/** Counts its looks and kills, by a clock that the test sets. */
function start() {
  const world = { nowMs: 0, looks: 0, kills: 0 };
  const target = {
    look: () => void (world.looks += 1),
    kill: () => Promise.resolve(void (world.kills += 1)),
  };
  const clock = { monotonicMs: () => world.nowMs };
  guard = new Guard({ dataDir, target, bootId: "this boot", clock, log: silentLogger });
  const looksTwice = async () => {
    const before = world.looks;
    await expect.poll(() => world.looks - before, patience).toBeGreaterThan(1);
  };
  return { world, looksTwice };
}

test("kills once the agent should long have, again and again, and no more when there is a lease again", async () => {
  await mark(GONE_BY_MS);
  const { world, looksTwice } = start();
  world.nowMs = LATE_MS - 1;
  await looksTwice();
  expect(world.kills).toBe(0);
  world.nowMs = LATE_MS;
  await expect.poll(() => world.kills, patience).toBeGreaterThan(1);
  await mark(GONE_BY_MS + 60_000);
  await looksTwice();
  const { kills } = world;
  await looksTwice();
  expect(world.kills).toBe(kills);
});

test("a mark of another boot, or without a lease, has nothing killed", async () => {
  await mark(GONE_BY_MS, "the boot before");
  const { world, looksTwice } = start();
  world.nowMs = 1e12;
  await looksTwice();
  await mark(undefined);
  await looksTwice();
  expect(world.kills).toBe(0);
});

test("where there is no mark nothing is looked at; one that cannot be read is as it was", async () => {
  const { world, looksTwice } = start();
  world.nowMs = LATE_MS - 1;
  await mark(GONE_BY_MS);
  await looksTwice();
  await writeFile(join(dataDir, "lease-mark"), "{");
  await looksTwice();
  world.nowMs = LATE_MS;
  await expect.poll(() => world.kills, patience).toBeGreaterThan(0);
});
