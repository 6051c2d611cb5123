import { expect, test } from "vitest";
import type { JobId } from "../../../base/ids.ts";
import { CoreWorld } from "../../../test/support/core-world.ts";
import { explain } from "../explain.ts";
import { Outlook } from "../outlook.ts";
import { atOnce } from "../slices.ts";
import { estimateWaitMs } from "../../../test/support/foretell.ts";

const MINUTE = 60_000;

/** A small GPU, two larger ones, and a tenant that may hold so much memory of them. */
function world(gpuMemoryMb: number): CoreWorld {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { limits: { gpuMemoryMb } });
  w.addTenant("tenant-2");
  w.addNode("small", { gpus: 1, gpuMemoryMb: 16_000 });
  w.addNode("large", { gpus: 2, gpuMemoryMb: 80_000 });
  return w;
}

function placeOf(w: CoreWorld, id: JobId): string | undefined {
  return w.job(id).allocations[0]?.node;
}

test("a job takes the GPU with which its tenant stays within its quota, where another would be better", () => {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { limits: { gpuMemoryMb: 50_000 } });
  w.addTenant("tenant-2");
  w.addNode("small", { gpus: 4, gpuMemoryMb: 16_000 });
  w.addNode("large", { gpus: 1, gpuMemoryMb: 80_000 });
  // Without the quota it is the one that fits best.
  const other = w.submit({ tenantId: "tenant-2" as never });
  expect(placeOf(w, other)).toBe("large");
  w.end(other);
  const ids = [w.submit(), w.submit({ gpuCount: 2, gang: true }), w.submit()];
  expect(ids.map((id) => placeOf(w, id))).toEqual(["small", "small", undefined]);
});

test("a job for which the small GPU is taken waits for that one, is told so, and gets it when its time comes", () => {
  const w = world(20_000);
  const first = w.submit({ tenantId: "tenant-2" as never, maxRuntimeMinutes: 10 });
  expect(placeOf(w, first)).toBe("small");
  w.begin(first);
  const id = w.submit({ maxRuntimeMinutes: 10 });
  expect(w.job(id).phase).toBe("queued");
  expect(estimateWaitMs(w.state, id, w.now)).toBe(10 * MINUTE);
  expect(atOnce(explain(w.state, w.job(id), new Outlook(w.state, w.now)))).toMatchObject({
    blockers: [{ kind: "quota", block: { resource: "gpuMemoryMb", limit: 20_000, used: 0, wanted: 80_000 } }],
    nodes: [
      { node: "small", verdict: { answer: "not-now", reason: { kind: "gpus-busy" } } },
      {
        node: "large",
        verdict: { answer: "never", reason: { kind: "gpu-memory-quota", leftMb: 20_000, wantsMb: 80_000 } },
      },
    ],
  });
  // The larger ones are not kept for it, and the small one is.
  const other = { tenantId: "tenant-2" as never, maxRuntimeMinutes: 60 };
  expect(placeOf(w, w.submit(other))).toBe("large");
  w.advanceHeard(10 * MINUTE);
  w.end(first);
  expect(placeOf(w, id)).toBe("small");
});

test("a job that may have others make room has it made where its tenant may hold it", () => {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { limits: { gpuMemoryMb: 20_000 }, canPreemptOthers: true });
  w.addTenant("tenant-2", { tier: "low" });
  w.addNode("large", { gpus: 1, gpuMemoryMb: 80_000 });
  w.addNode("small", { gpus: 1, gpuMemoryMb: 16_000 });
  const low = { tenantId: "tenant-2" as never };
  const [onSmall, onLarge] = [w.submit(low), w.submit(low)];
  expect([onSmall, onLarge].map((id) => placeOf(w, id))).toEqual(["small", "large"]);
  for (const id of [onSmall, onLarge]) w.begin(id);
  w.advanceHeard(10 * MINUTE);
  const id = w.submit();
  w.advanceHeard(MINUTE);
  expect(w.job(onLarge).phase).toBe("running");
  w.stopped(onSmall);
  expect(placeOf(w, id)).toBe("small");
});
