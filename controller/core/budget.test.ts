import { expect, test } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../base/time.ts";
import { asTenantId, type JobId } from "../../base/ids.ts";
import { CoreWorld } from "../../test/support/core-world.ts";
import { estimateWaitMs } from "../../test/support/foretell.ts";
import { whyWaiting } from "./explain.ts";
import type { JobIn } from "./model/job.ts";

/** One node, and a tenant with so many GPU-hours in a window of so many days. */
function thrifty(gpuHoursBudget: number, budgetWindowDays: number): CoreWorld {
  const w = new CoreWorld();
  w.addTenant("tenant-1", { gpuHoursBudget, budgetWindowDays });
  w.addNode("node-1", { gpus: 4 });
  return w;
}

function runFor(w: CoreWorld, minutes: number): void {
  const id = w.submit({ maxRuntimeMinutes: minutes });
  w.begin(id);
  w.advanceHeard(minutes * MINUTE_MS);
  w.end(id);
}

/** Until when the job is told to wait for its tenant's budget. */
function untilOf(w: CoreWorld, id: JobId): number {
  const why = whyWaiting(w.state, w.job(id) as JobIn<"queued">, w.now);
  if (why.kind !== "budget" || why.block.until === undefined) throw new Error(`${id} does not wait for its budget`);
  return why.block.until;
}

test("a job that waits for its tenant's budget starts when it was told, though nothing else happens, and so it was foretold", () => {
  const w = thrifty(1, 1);
  runFor(w, 60);
  const id = w.submit({ maxRuntimeMinutes: 30 });
  const until = untilOf(w, id);
  expect(until).toBeGreaterThan(w.now + 22 * HOUR_MS);
  expect(estimateWaitMs(w.state, id, w.now)).toBe(until - w.now);
  w.restart();
  w.hello("node-1");
  w.advanceHeard(until - w.now - 1);
  expect(w.job(id).phase).toBe("queued");
  w.advanceHeard(1);
  expect(w.job(id).phase).toBe("starting");
});

test("a job that waits for what running jobs are expected to use is told until when as well, and so it was foretold", () => {
  const w = thrifty(2, 1);
  for (const maxRuntimeMinutes of [90, 30]) w.begin(w.submit({ maxRuntimeMinutes }));
  const id = w.submit({ maxRuntimeMinutes: 60 });
  const until = untilOf(w, id);
  expect(until).toBeGreaterThan(w.now + DAY_MS + 60 * MINUTE_MS);
  expect(estimateWaitMs(w.state, id, w.now)).toBe(until - w.now);
  // How long that one runs nobody knows, but it is not waited for.
  const more = thrifty(6, 1);
  more.begin(more.submit({ maxRuntimeMinutes: 60 }));
  more.begin(more.submit());
  expect(untilOf(more, more.submit({ maxRuntimeMinutes: 120 }))).toBeGreaterThan(more.now + DAY_MS);
  const never = more.submit({ maxRuntimeMinutes: 180 });
  expect(whyWaiting(more.state, more.job(never) as JobIn<"queued">, more.now)).toMatchObject({
    kind: "budget",
    block: { until: undefined },
  });
});

test("what is used counts for as long as the longest window, after a restart too", () => {
  const w = thrifty(2, 3_650);
  runFor(w, 60);
  w.disconnect("node-1");
  w.now += 1_000 * DAY_MS;
  w.hello("node-1");
  runFor(w, 60);
  const id = w.submit({ maxRuntimeMinutes: 30 });
  expect(w.job(id).phase).toBe("queued");
  w.restart();
  w.hello("node-1");
  expect(w.job(id).phase).toBe("queued");
  w.now = untilOf(w, id);
  w.apply({ kind: "tick" });
  w.hello("node-1");
  w.prove("node-1");
  expect(w.job(id).phase).toBe("starting");
});

test("exactly what is left may be used: by gangs, by shares of a GPU and by jobs of an array, each for itself", () => {
  const w = thrifty(4, 1);
  w.addNode("node-2", { gpus: 4, allowsSharing: true });
  const tenantId = asTenantId("tenant-1");
  expect(w.job(w.submit({ gpuCount: 4, gang: true, gpusPerNode: 2, maxRuntimeMinutes: 30 })).phase).toBe("starting");
  expect(w.job(w.submit({ gpuMilli: 500, maxRuntimeMinutes: 120 })).phase).toBe("starting");
  const spec = { tenantId, name: "job", gpuCount: 1, maxRuntimeMinutes: 30 };
  const answer = w.apply({ kind: "submit-job", spec, count: 3 });
  const { jobIds = [] } = answer as { jobIds?: readonly JobId[] };
  expect(jobIds.map((id) => w.job(id).phase)).toEqual(["starting", "starting", "queued"]);
  expect(w.job(w.submit({ gpuCount: 0 })).phase).toBe("starting");
});

test("a job that outruns its plan uses its tenant's budget up, after a restart too", () => {
  const w = thrifty(6, 1);
  const endless = w.submit();
  w.begin(endless);
  w.advanceHeard(5 * HOUR_MS);
  const id = w.submit({ maxRuntimeMinutes: 60 });
  expect(w.job(id).phase).toBe("queued");
  w.restart();
  w.hello("node-1");
  expect(w.job(id).phase).toBe("queued");
  w.end(endless);
  expect(w.job(id).phase).toBe("starting");
});

test("a budget that is changed while jobs run counts at once, and takes nothing from those", () => {
  const w = thrifty(1, 1);
  const running = w.submit({ maxRuntimeMinutes: 60 });
  w.begin(running);
  const waiting = w.submit({ maxRuntimeMinutes: 60 });
  const tenantId = asTenantId("tenant-1");
  const change = (gpuHoursBudget: number | null) =>
    w.apply({ kind: "update-tenant", tenantId, change: { limits: {}, gpuHoursBudget } });
  change(0.5);
  expect([running, waiting].map((id) => w.job(id).phase)).toEqual(["running", "queued"]);
  change(2);
  expect(w.job(waiting).phase).toBe("starting");
  change(0);
  const last = w.submit({ maxRuntimeMinutes: 1 });
  expect(w.job(last).phase).toBe("queued");
  change(null);
  expect(w.job(last).phase).toBe("starting");
});

test("a node that tells late of ends that are long past does not make budgets be given back later than they are told to be", () => {
  const w = thrifty(2, 1);
  w.addNode("node-2", { gpus: 4 });
  const late = w.submit({ maxRuntimeMinutes: 60 });
  w.begin(late);
  const endedAt = w.now;
  const silent = w.job(late).allocations[0]?.node ?? "";
  w.disconnect(silent);
  w.endAs(late, { kind: "exited", exitCode: 0, outOfMemory: false, message: "" });
  w.now += 2 * HOUR_MS;
  const soon = w.submit({ maxRuntimeMinutes: 60 });
  w.begin(soon);
  w.advanceHeard(HOUR_MS);
  w.end(soon);
  w.hello(silent);
  expect(w.now).toBeGreaterThan(endedAt);
  const id = w.submit({ maxRuntimeMinutes: 120 });
  const until = untilOf(w, id);
  expect(estimateWaitMs(w.state, id, w.now)).toBe(until - w.now);
});
