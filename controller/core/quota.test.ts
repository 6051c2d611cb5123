import { expect, test } from "vitest";
import { noUsage } from "./model/tenant.ts";
import { quotaBlock } from "./quota.ts";

test("shares of a GPU that add up to the limit are within it, whatever their fractions are in binary", () => {
  const holding = { gpuMemoryMb: 0, cpuCores: 0, memoryMb: 0 };
  const refused: string[] = [];
  for (let used = 1; used < 1_000; used += 1) {
    for (let kept = 1; used + kept < 1_000; kept += 7) {
      const usage = { ...noUsage(), gpuMilli: used };
      const gpuMilli = 1_000 - used - kept;
      const block = quotaBlock({ gpus: 1 }, usage, { ...holding, gpuMilli }, { ...noUsage(), gpuMilli: kept });
      if (block) refused.push(`${used} ${kept}`);
    }
  }
  expect(refused).toEqual([]);
  const block = quotaBlock({ gpus: 1 }, { ...noUsage(), gpuMilli: 600 }, { ...holding, gpuMilli: 401 });
  expect(block).toEqual({ resource: "gpus", used: 0.6, claimed: 0, wanted: 0.401, limit: 1 });
});
