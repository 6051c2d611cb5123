/** Bad input against the whole program: the same answers as from the gateway alone, and a process that takes no harm. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hostRows } from "../support/bad-input-http.ts";
import type { BadInputRow } from "../support/bad-input-row.ts";
import { badInputRows } from "../support/bad-input-rows.ts";
import { type DevProcess, startDev } from "../support/dev-process.ts";
import { exchange } from "../support/raw-http.ts";
import { RestClient } from "../support/rest-client.ts";

const MIB = 1024 * 1024;
const EXPECTED_GROWTH_MIB = 50;
/** When memory is given back is the garbage collector's choice: beyond this it is a leak. */
const MAX_GROWTH_MIB = 100;
/** A small heap is collected often, so that what grows is not merely garbage. */
const SMALL_HEAP = { NODE_OPTIONS: "--max-semi-space-size=2 --max-old-space-size=128" };
const ROUNDS = 4;
const AT_ONCE = 16;
const rows = [...badInputRows, ...hostRows];
const accepted = rows.filter(({ status }) => status === 201).length;
const patience = { timeout: 120_000, interval: 100 };

let dev: DevProcess;
let address: string;
let rest: RestClient;

beforeAll(async () => {
  const flags = ["--executor", "process", "--simulate-gpus", "4", "--rate-limit", "1000000"];
  dev = await startDev({ flags, environment: SMALL_HEAP });
  address = dev.url.replace("http://", "");
  rest = new RestClient(dev.url);
});

afterAll(() => dev?.close());

async function expectAnswer(row: BadInputRow): Promise<void> {
  const answer = await exchange(address, row.send);
  expect(answer.status, `${row.name}: ${answer.body}`).toBe(row.status);
  expect(answer.body, row.name).not.toMatch(/\n\s+at |node_modules|\.ts\b|file:/);
  if (row.status < 400) return;
  const body = JSON.parse(answer.body) as { error: string; details?: { field: string }[] };
  const named = [body.error, ...(body.details ?? []).map(({ field }) => field)].join("\n").toLowerCase();
  expect(named, row.name).toContain((row.field ?? "").toLowerCase());
}

async function finishedJobs(): Promise<number> {
  const { total } = await rest.json<{ total: number }>("GET", "/jobs?state=completed,failed&limit=1");
  return total;
}

function residentMib(): number {
  const [, pages] = readFileSync(`/proc/${dev.pid}/statm`, "utf8").split(" ");
  return Math.round((Number(pages) * 4_096) / MIB);
}

test.each(rows)("$name: $status", expectAnswer);

test("all of it again, many at once, neither ends the process nor makes it grow, and nothing in it counts as an error", async () => {
  await expect.poll(finishedJobs, patience).toBe(accepted);
  const before = residentMib();
  for (let round = 0; round < ROUNDS; round++) {
    const left = [...rows];
    const client = async () => {
      for (let row = left.pop(); row; row = left.pop()) await expectAnswer(row);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));
  }
  await expect.poll(finishedJobs, patience).toBe(accepted * (1 + ROUNDS));
  const growth = residentMib() - before;
  console.log(
    `resident memory grew by ${growth} MiB from ${before} MiB (expected: at most ${EXPECTED_GROWTH_MIB} MiB)`,
  );
  expect(growth).toBeLessThan(MAX_GROWTH_MIB);
  expect((await rest.ask("GET", "/ready"))?.status).toBe(200);
  expect(await rest.json("GET", "/cluster/status")).toMatchObject({ term: 1, pending_jobs: 0, available_gpus: 4 });
  expect(process.kill(dev.pid, 0)).toBe(true);
  expect(
    dev
      .output()
      .split("\n")
      .filter((line) => /"level":[56]0/.test(line)),
  ).toEqual([]);
  expect(await dev.stop()).toBe(0);
});
