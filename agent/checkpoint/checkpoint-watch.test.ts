import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { asJobId } from "../../base/ids.ts";
import { silentLogger } from "../../base/logger.ts";
import type { OutputPiece } from "../executor/executor.ts";
import { CheckpointWatch } from "./checkpoint-watch.ts";
import { MarkerFinder } from "./marker-finder.ts";

const MARKER = "::gpusched checkpoint::\n";
const key = { jobId: asJobId("job-1"), attempt: 1, rank: 0 };

let dataDir: string;
let now: number;
let from: (string | undefined)[];
let seen: number[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "gpusched-checkpoints-"));
  [now, from, seen] = [100_000, [], []];
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** A watch on output of which each piece comes so many milliseconds after the one before. */
function open(pieces: readonly (readonly [afterMs: number, text: string])[]): Promise<CheckpointWatch> {
  const watchOutput = async function* (_: unknown, position: string | undefined): AsyncGenerator<OutputPiece> {
    from.push(position);
    let read = Number(position ?? 0);
    for (const [afterMs, text] of pieces) {
      now += afterMs;
      read += text.length;
      yield { stream: "stdout", data: Buffer.from(text), atMs: undefined, position: String(read) };
    }
  };
  return CheckpointWatch.open({
    dataDir,
    executor: { watchOutput },
    clock: { wallMs: () => now, monotonicMs: () => now },
    onCheckpoint: (_, atMs) => seen.push(atMs),
    log: silentLogger,
  });
}

test("checkpoints are told, at most one in ten seconds", async () => {
  const watch = await open([
    [0, "hello\n"],
    [1_000, MARKER],
    [9_000, MARKER],
    [1_000, MARKER],
  ]);
  watch.onChange(key, { phase: "starting" });
  expect(from).toEqual([]);
  watch.onChange(key, { phase: "running" });
  watch.onChange(key, { phase: "running" });
  await expect.poll(() => seen).toEqual([101_000, 111_000]);
  expect(from).toEqual([undefined]);
  await watch.close();
});

test("after a restart it goes on behind the last checkpoint, and after the end it forgets", async () => {
  const first = await open([
    [0, "x\n"],
    [0, MARKER],
    [0, "more\n"],
  ]);
  first.onChange(key, { phase: "running" });
  await expect.poll(() => seen).toHaveLength(1);
  await first.close();

  const second = await open([]);
  second.onChange(key, { phase: "running" });
  await expect.poll(() => from).toEqual([undefined, String(2 + MARKER.length)]);
  second.onChange(key, { phase: "ended" });
  await second.close();
  expect(seen).toHaveLength(1);

  const third = await open([]);
  third.onChange(key, { phase: "running" });
  await expect.poll(() => from.at(-1)).toBeUndefined();
  await third.close();
});

test.each([
  ["on a line of its own", [MARKER], true],
  ["in pieces", ["::gpu", "sched check", "point::", "\n"], true],
  ["behind other lines, with a carriage return", ["a\nb\n::gpusched checkpoint::\r\nc"], true],
  ["without an end of the line yet", ["::gpusched checkpoint::"], false],
  ["with something before it", ["saved ::gpusched checkpoint::\n"], false],
  ["with something before it, far ahead", ["x".repeat(1_000), MARKER], false],
  ["with something behind it", ["::gpusched checkpoint:: 17\n"], false],
])("the marker %s", (_, pieces, expected) => {
  const finder = new MarkerFinder();
  expect(pieces.map((piece) => finder.find("stdout", Buffer.from(piece))).at(-1)).toBe(expected);
});

test("the streams do not make a marker together", () => {
  const finder = new MarkerFinder();
  expect(finder.find("stdout", Buffer.from("::gpusched "))).toBe(false);
  expect(finder.find("stderr", Buffer.from("checkpoint::\n"))).toBe(false);
  expect(finder.find("stdout", Buffer.from("checkpoint::\n"))).toBe(true);
});
