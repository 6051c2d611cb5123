import { expect, test } from "vitest";
import { CoreWorld } from "../../test/support/core-world.ts";

const HOUR_MS = 3_600_000;

test("after a restart a budget knows what earlier attempts of jobs that wait or run again have used", () => {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { gpuHoursBudget: 5, budgetWindowDays: 1 });
  w.addNode("node-1", { gpus: 2 });
  const hour = { maxRuntimeMinutes: 60, maxRetries: 1 };
  const ids = [w.submit(hour), w.submit(hour)];
  for (const id of ids) w.begin(id);
  w.advanceHeard(HOUR_MS - 60_000);

  for (const id of ids) w.end(id, 1);
  w.advanceHeard(10_000);

  expect(ids.map((id) => w.job(id).phase)).toEqual(["starting", "starting"]);
  const used = () => [
    w.state.use.spentSince("tenant-1" as never, 24 * HOUR_MS, w.now),
    w.state.use.committed("tenant-1" as never),
  ];
  const before = used();
  expect(before).toEqual([2 * (HOUR_MS - 60_000), 2 * HOUR_MS]);
  w.restart();
  expect(used()).toEqual(before);
});
