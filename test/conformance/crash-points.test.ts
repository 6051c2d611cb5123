import { afterAll, expect, test } from "vitest";
import { CrashPoints } from "../crash-points/crash-point.ts";
import { runPoints } from "../crash-points/spread.ts";

const POINTS = 60;
const BATCHES = 12;

const crashPoints = new CrashPoints(BATCHES);
afterAll(() => crashPoints.close());

test("wherever the store is killed, its disk fails or is full, nothing acknowledged is lost and no batch is half there", async () => {
  await crashPoints.prepare();
  const { points, problems } = await runPoints(crashPoints, POINTS);
  expect(problems).toEqual([]);
  expect(points).toBeGreaterThanOrEqual(POINTS - 5);
}, 240_000);
