import { expect, test } from "vitest";
import { CoreWorld } from "../../test/support/core-world.ts";
import { estimateWaitMs } from "../../test/support/foretell.ts";

const MINUTE = 60_000;

function oneGpu(): CoreWorld {
  const w = new CoreWorld();
  w.addTenant();
  w.addNode("node-1", { gpus: 1 });
  return w;
}

test("a waiting job starts when the limits of those before it have run out, and really does", () => {
  const w = oneGpu();
  const first = w.submit({ maxRuntimeMinutes: 10 });
  const second = w.submit({ maxRuntimeMinutes: 5 });
  const third = w.submit();
  w.begin(first);
  w.advanceHeard(4 * MINUTE);
  expect(estimateWaitMs(w.state, second, w.now)).toBe(6 * MINUTE);
  expect(estimateWaitMs(w.state, third, w.now)).toBe(11 * MINUTE);
  const before = JSON.stringify([...w.state.jobs]);
  estimateWaitMs(w.state, third, w.now);
  expect(JSON.stringify([...w.state.jobs])).toBe(before);

  w.advanceHeard(6 * MINUTE);
  w.end(first, 143);
  expect(w.job(second).phase).toBe("starting");
});

test("without a limit in the way there is no telling, and a job that never fits never starts", () => {
  const w = oneGpu();
  const endless = w.submit();
  const behind = w.submit();
  w.begin(endless);
  expect(estimateWaitMs(w.state, behind, w.now)).toBeUndefined();
  expect(estimateWaitMs(w.state, w.submit({ gpuCount: 2 }), w.now)).toBeUndefined();
});

test("a job waiting out its backoff starts when that is over", () => {
  const w = oneGpu();
  const id = w.submit({ maxRetries: 1 });
  w.end(id, 1);
  expect(estimateWaitMs(w.state, id, w.now)).toBe(10_000);
});
